import { useSignal } from '@preact/signals';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { stakeCost, stakeText } from './stake-text.ts';
import { useAct } from './use-act.ts';
import type { StakeFace, StakeStatus } from '../../participant/payout-face.ts';

/** This worker's place in the pool: registering and staking, without gas. Starknet.js is fetched when somebody looks. */
export function StakePanel({ stake }: { stake: StakeFace }) {
  const { status, said, busy, act } = useAct<StakeStatus>();
  const amount = useSignal('');
  const now = status.value;
  const button = (label: string, task: () => Promise<StakeStatus>) => (
    <button type="button" class="button button-quiet" disabled={busy.value} onClick={() => void act('Waiting for the block …', task)}>
      {label}
    </button>
  );
  const add = (event: Event) => {
    event.preventDefault();
    void act('Waiting for the block …', () => stake.stake(BigInt(amount.value) * BASE_UNITS_PER_CREDIT));
  };
  const mayStake = now?.state === 'registered' || now?.state === 'staked';
  return (
    <section class="backup-form" aria-label="Pool and stake">
      <strong>Pool and stake</strong>
      {now === undefined ? (
        <button type="button" class="button button-quiet" disabled={busy.value} onClick={() => void act('Looking …', () => stake.look())}>
          Show where this worker stands
        </button>
      ) : (
        <>
          <p>{stakeText(now)}</p>
          <p class="aside">{stakeCost(now)}</p>
          {now.state === 'none' && button('Register', () => stake.register())}
          {mayStake && (
            <form class="backup-form" aria-label="Stake" onSubmit={add}>
              <label class="field">
                STRK to stake
                <input type="text" inputMode="numeric" pattern="[1-9][0-9]{0,9}" required value={amount.value} onInput={(event) => (amount.value = event.currentTarget.value)} />
              </label>
              <button type="submit" class="button" disabled={busy.value}>
                Stake
              </button>
            </form>
          )}
          {now.stake > 0n && button('Begin to leave', () => stake.leave())}
          {now.cooling > 0n && button('Stay after all', () => stake.stay())}
          {now.state === 'ready' && button('Withdraw', () => stake.withdraw())}
        </>
      )}
      <p class="aside" role="status">
        {said.value}
      </p>
    </section>
  );
}
