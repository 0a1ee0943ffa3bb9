import { formatAmount, formatCount, formatLayers } from '../figures.ts';
import type { FinishedWork } from '../../participant/work-store.ts';

const CREDIT_WORDS = { pending: 'pending', payable: 'payable', void: 'not paid' } as const;
/** Of endings that are not the usual one. */
const REASON_WORDS: Partial<Record<FinishedWork['reason'], string>> = { failed: ', failed', moved: ', another tab left' };
const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

/** The last questions that this browser worked on. */
export function RecentWork({ work }: { work: readonly FinishedWork[] }) {
  if (work.length === 0) return null;
  return (
    <details class="recent">
      <summary>Work done here</summary>
      <ul>
        {work.map(({ job, finishedAt, layers, positions, tokens, credit, reason }) => (
          <li key={job}>
            <span>
              {time.format(finishedAt)}
              <small>
                {formatLayers(layers)}, {formatCount(tokens)} tokens, {formatCount(positions)} positions{REASON_WORDS[reason] ?? ''}
              </small>
            </span>
            <span class="figures">
              {credit === null ? '–' : formatAmount(BigInt(credit.amount))}
              <small>{credit === null ? '' : CREDIT_WORDS[credit.status]}</small>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
