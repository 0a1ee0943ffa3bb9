import { isActive, type ParticipantView } from '../../participant/participant-view.ts';
import { CopyButton } from '../copy-button.tsx';
import { formatAmount } from '../figures.ts';
import { TroubleBox } from '../trouble-box.tsx';
import { BackupPanel } from './backup-panel.tsx';
import { chainText, failureOf, payableParts, shortAddress } from './earnings-text.ts';
import { PayoutDoor } from './payout-door.tsx';
import { PayoutList } from './payout-list.tsx';
import type { ContributionDesk } from '../contribute/contribution-desk.ts';

/** What was earned, where it stands, and the account that it is paid to. */
export function EarningsPanel({ desk }: { desk: ContributionDesk }) {
  const { identity, earnings, credits, state } = desk.view.value;
  const active = isActive(state);
  const { next, promotional } = payableParts(credits);
  if (identity === undefined && !active) return <Dormant desk={desk} />;
  const failure = earnings === undefined ? undefined : failureOf(earnings);
  const said = earnings === undefined ? '' : chainText(earnings);
  const claimable = earnings?.owed !== undefined && earnings.owed > 0n && earnings.step === undefined;
  return (
    <section class="earnings" aria-labelledby="earnings-title">
      <h3 id="earnings-title">Earnings</h3>
      <dl class="earned">
        <Amount name="On chain" credits={earnings?.onChain} aside={onChainAside(earnings)} mine />
        {active && (
          <>
            <Amount name="Pending" credits={credits.pending} aside="until audits are over" />
            <Amount name="Payable" credits={next} aside="in the next payout" />
            {promotional > 0n && <Amount name="Promotional" credits={promotional} aside="earned by trials; paid out within a daily limit" />}
          </>
        )}
      </dl>
      <p class="earnings-said" role="status">
        {said}
      </p>
      {failure !== undefined && <TroubleBox title="The claim did not go through" message={failure.message} todo={failure.todo} />}
      {claimable && (
        <button type="button" class="button" onClick={() => void desk.claimNow()}>
          Claim now
        </button>
      )}
      {identity !== undefined && <Account identity={identity} />}
      {earnings !== undefined && <PayoutList payouts={earnings.payouts} />}
      {identity !== undefined && earnings?.chain !== 'none' && <PayoutDoor desk={desk} own={identity.account} />}
      <BackupPanel desk={desk} identity={identity} active={active} />
    </section>
  );
}

/** Before anything of the identity was looked at: nothing runs here without a click. */
function Dormant({ desk }: { desk: ContributionDesk }) {
  const { asked, found } = desk.identityLook.value;
  return (
    <section class="earnings" aria-labelledby="earnings-title">
      <h3 id="earnings-title">Earnings</h3>
      {found === 'none' ? (
        <p class="aside">This browser has no worker key yet. One is made when you contribute, or bring yours from another browser.</p>
      ) : (
        <button type="button" class="button" disabled={asked} onClick={() => void desk.findIdentity()}>
          Show what this browser earned
        </button>
      )}
      {found === 'failed' && <TroubleBox title="The worker key could not be opened" message={desk.identityLook.value.message} todo="" />}
      {found === 'none' && <BackupPanel desk={desk} identity={undefined} active={false} />}
    </section>
  );
}

function Amount({ name, credits, aside, mine = false }: { name: string; credits: bigint | undefined; aside: string; mine?: boolean }) {
  return (
    <div class={mine ? 'earned-mine' : ''}>
      <dt>{name}</dt>
      <dd>
        <span class="figures">{credits === undefined ? '–' : formatAmount(credits)}</span>
        <small>{aside}</small>
      </dd>
    </div>
  );
}

const onChainAside = (earnings: ParticipantView['earnings']): string => (earnings?.chain === 'none' ? 'no chain here' : earnings?.network === undefined ? 'CIRO' : `CIRO on ${earnings.network}`);

function Account({ identity }: { identity: NonNullable<ParticipantView['identity']> }) {
  const { account, persistence, backedUpAt } = identity;
  const [mood, words] = persistence === 'memory' ? ['bad', 'This browser keeps no data: the key, and what it earned, end with this tab. Back it up.'] : backedUpAt === null ? ['warn', 'Not backed up: clearing this browser loses it.'] : ['good', `Backed up ${date.format(backedUpAt)}`];
  return (
    <div class="account">
      <div class="account-line">
        <span>
          Account{' '}
          <span class="figures" title={account}>
            {shortAddress(account)}
          </span>
        </span>
        <CopyButton text={() => account} label="Copy address" done="Address copied" hint={account} />
      </div>
      <p class={`account-state account-${mood}`}>
        <span class="account-mark" aria-hidden="true" />
        {words}
      </p>
    </div>
  );
}

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
