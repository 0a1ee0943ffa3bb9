import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { StakePanel } from './stake-panel.tsx';
import { delayText, keptText, paidText, waitingText } from './payout-text.ts';
import { useAct } from './use-act.ts';
import type { PayoutFace, PayoutStatus } from '../../participant/payout-face.ts';

/** Where this worker is paid: what holds, what waits, and how to change it. */
export function PayoutPanel({ face, own }: { face: PayoutFace; own: string }) {
  const { status, said, busy, act: show } = useAct<PayoutStatus>();
  /** What is to be done with the wallet that is chosen; undefined while none is asked for. */
  const choosing = useSignal<((wallet: string) => Promise<PayoutStatus>) | undefined>(undefined);
  const act = async (what: string, task: () => Promise<PayoutStatus>) => {
    if (await show(what, task)) choosing.value = undefined;
  };
  useEffect(() => void act('Looking …', () => face.look()), [face]);
  const now = status.value;
  const linked = now !== undefined && now.account !== own;
  const button = (label: string, press: () => void) => (
    <button type="button" class="button button-quiet" disabled={busy.value} onClick={press}>
      {label}
    </button>
  );
  return (
    <section class="backup-form" aria-label="Payout account">
      {now !== undefined && (
        <>
          <p title={now.account}>{paidText(now)}</p>
          {keptText(now).map((line) => (
            <p class="aside" key={line}>
              {line}
            </p>
          ))}
          {now.waiting !== null && (
            <div class="note backup-ask">
              <p title={now.waiting.account}>{waitingText(now, Date.now())}</p>
              {button('Call this change off', () => void act('Signing …', () => face.callOff()))}
              {linked && button('Call it off with the wallet', () => (choosing.value = (wallet) => face.callOff(wallet)))}
            </div>
          )}
          {now.waiting === null && button(linked ? 'Link another wallet' : 'Link a wallet', () => (choosing.value = (wallet) => face.link(wallet)))}
          {now.waiting === null && linked && button('Go back to this browser\'s own account', () => void act('Signing …', () => face.goBack()))}
          <p class="aside">{delayText(now.delay_seconds)}</p>
        </>
      )}
      {choosing.value !== undefined && <WalletChoice face={face} busy={busy.value} choose={(id) => void act('Asking the wallet …', () => choosing.value?.(id) ?? face.look())} />}
      <p class="aside" role="status">
        {said.value}
      </p>
      {now !== undefined && <StakePanel stake={face.stake} />}
    </section>
  );
}

function WalletChoice({ face, busy, choose }: { face: PayoutFace; busy: boolean; choose: (id: string) => void }) {
  const wallets = face.wallets();
  if (wallets.length === 0) return <p class="aside">This browser has no Starknet wallet. Install one, open it once, and look again. You need none to be paid.</p>;
  return (
    <ul class="wallets" aria-label="Wallets">
      {wallets.map(({ id, name }) => (
        <li key={id}>
          <button type="button" class="button" disabled={busy} onClick={() => choose(id)}>
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}
