import { CopyButton } from '../copy-button.tsx';
import { formatAmount, formatDuration } from '../figures.ts';
import { gasText, shortAddress, type Payout } from './earnings-text.ts';

/** Claims of this visit, each with what anybody needs to look it up. */
export function PayoutList({ payouts }: { payouts: readonly Payout[] }) {
  if (payouts.length === 0) return null;
  return (
    <ul class="payouts" aria-label="Payouts of this visit">
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
                number {payout.epoch}, {formatDuration(payout.milliseconds)} until it was in a block
              </dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  );
}
