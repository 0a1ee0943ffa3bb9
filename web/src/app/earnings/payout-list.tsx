import { CopyButton } from '../copy-button.tsx';
import { formatAmount, formatDuration } from '../figures.ts';
import { gasText, shortAddress, type Payout } from './earnings-text.ts';

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

/** Claims of this browser, each with what anybody needs to look it up. */
export function PayoutList({ payouts }: { payouts: readonly Payout[] }) {
  if (payouts.length === 0) return null;
  return (
    <ul class="payouts" aria-label="Payouts">
      {payouts.map((payout) => (
        <li key={payout.transaction}>
          <div class="payout-top">
            <b class="figures">+{formatAmount(payout.amount)} CIRO</b>
            <span class="payout-gas">
              gas paid by you: <b class="figures">{gasText(payout)}</b>
            </span>
          </div>
          <dl>
            <div>
              <dt>Transaction</dt>
              <dd>
                <span class="figures" title={payout.transaction}>
                  {shortAddress(payout.transaction)}
                </span>
                <CopyButton text={() => payout.transaction} label="Copy" done="Copied" hint={`Copy transaction ${payout.transaction}`} />
              </dd>
            </div>
            <div>
              <dt>Gas paid by</dt>
              <dd>
                <span class="figures" title={payout.sponsor}>
                  {shortAddress(payout.sponsor)}
                </span>
              </dd>
            </div>
            <div>
              <dt>Payout</dt>
              <dd>
                {time.format(payout.at)}, number {payout.epoch}, in a block after {formatDuration(payout.milliseconds)}
              </dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  );
}
