import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { ChainSignatures } from './chain/account-signatures.ts';
import { CommitmentStore } from './chain/commitment-store.ts';
import { CdcPool } from './chain/cdc-pool.ts';
import { systemClock } from './sessions/clock.ts';
import { OWN_CLAIM_WAIT_MS } from './settlement/payout-desk.ts';
import { LOCAL_PAYOUT_DELAY_MS, PAYOUT_DELAY_MS } from './settlement/payout-links.ts';
import { Settlement, EPOCH_EVERY_MS, EPOCH_MAX_CHANGED, LOOK_EVERY_MS, PUSH_FROM } from './settlement/settlement.ts';
import { figuresOf } from './settlement/worker-figures.ts';
import { threadedPerformance } from './settlement/threaded-performance.ts';
import { ThreadedTrees } from './settlement/threaded-trees.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { CommitmentStoreOptions } from './chain/commitment-store.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { SettlementEvent } from './settlement/ports.ts';
import type { SettlementDeps } from './settlement/settlement.ts';
import type { Store } from './store/open-store.ts';

/** Where workers are paid, and how often. */
export type ChainOptions = CommitmentStoreOptions & {
  /** Milliseconds between epochs; an hour when absent. */
  readonly epochEveryMs?: number;
  /** Milliseconds between looks at chain and ledger; LOOK_EVERY_MS when absent. */
  readonly lookEveryMs?: number;
  /** Milliseconds that a first payment is left to its payee (SPEC X9); OWN_CLAIM_WAIT_MS when absent. */
  readonly ownClaimMs?: number;
  /** Milliseconds that a changed payout account waits (SPEC Y9); LOCAL_PAYOUT_DELAY_MS of a local chain, else PAYOUT_DELAY_MS when absent. */
  readonly payoutDelayMs?: number;
  /** Address of the pool that is told what workers did (SPEC X11, X12); nobody is told without it. */
  readonly pool?: string;
  /** A chain of this machine, which may begin anew (SPEC X10). */
  readonly mayBeginAnew?: boolean;
  /** The first look waits for it: a chain whose contracts are still being deployed. What it rejects with is told, and nothing is settled then. */
  readonly ready?: Promise<unknown>;
  /** What clients need to act on the chain (SPEC Y6); without it they are told that there is none. */
  readonly door?: PublicDoor;
  /** Hears what settlement does. */
  readonly onSettlement?: (event: SettlementEvent) => void;
};

export interface SettlementParts {
  readonly network: string;
  readonly ledger: Ledger;
  readonly store: Pick<Store, 'settlement' | 'payoutLinks' | 'performance' | 'nodes' | 'standings'>;
  readonly identityKeys: SettlementDeps['identityKeys'];
  readonly onError: (error: unknown, about: object) => void;
}

/** Settlement over a contract, not started yet (SPEC X7 to X10); closed with the coordinator. */
export function openSettlement({ epochEveryMs, lookEveryMs, ownClaimMs, payoutDelayMs, mayBeginAnew, pool, onSettlement, ...chain }: ChainOptions, { network, ledger, store, identityKeys, onError }: SettlementParts, undo: AsyncDisposableStack): Settlement {
  const settlement = new Settlement(
    {
      clock: systemClock,
      chain: new CommitmentStore(chain),
      store: store.settlement,
      ledger,
      grower: new ThreadedTrees(),
      identityKeys,
      links: store.payoutLinks,
      signatures: new ChainSignatures(chain),
      ...(pool !== undefined && { performance: { pool: new CdcPool({ rpc: chain.rpc, chainId: chain.chainId, pool, account: chain.settler }), store: store.performance, figures: figuresOf(store), grow: threadedPerformance } }),
      onEvent: (event) => onSettlement?.(event),
      onError: (error) => onError(error, { about: 'settlement' }),
    },
    { network, rate: LAUNCH_RATE, everyMs: epochEveryMs ?? EPOCH_EVERY_MS, maxChanged: EPOCH_MAX_CHANGED, pushFrom: PUSH_FROM, lookEveryMs: lookEveryMs ?? LOOK_EVERY_MS, ownClaimMs: ownClaimMs ?? OWN_CLAIM_WAIT_MS, payoutDelayMs: payoutDelayMs ?? (mayBeginAnew ? LOCAL_PAYOUT_DELAY_MS : PAYOUT_DELAY_MS), mayBeginAnew: mayBeginAnew ?? false },
  );
  undo.defer(() => settlement.close());
  return settlement;
}

/** The first look, once the chain is ready; the coordinator serves meanwhile. */
export function startSettlement(settlement: Settlement, { ready }: Pick<ChainOptions, 'ready'>, onError: (error: unknown, about: object) => void): void {
  if (ready === undefined) settlement.start();
  else ready.then(() => settlement.start()).catch((error: unknown) => onError(error, { about: 'settlement' }));
}
