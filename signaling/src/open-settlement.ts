import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { CommitmentStore } from './chain/commitment-store.ts';
import { systemClock } from './sessions/clock.ts';
import { Settlement, EPOCH_EVERY_MS, EPOCH_MAX_CHANGED, PUSH_FROM } from './settlement/settlement.ts';
import { ThreadedTrees } from './settlement/threaded-trees.ts';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { CommitmentStoreOptions } from './chain/commitment-store.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { SettlementEvent } from './settlement/ports.ts';
import type { SettlementDeps } from './settlement/settlement.ts';
import type { Store } from './store/open-store.ts';

/** Where workers are paid, and how often. */
export type ChainOptions = CommitmentStoreOptions & {
  /** Milliseconds between epochs; an hour when absent. */
  readonly epochEveryMs?: number;
  /** What clients need to act on the chain (SPEC Y6); without it they are told that there is none. */
  readonly door?: ChainDoor;
  /** Hears what settlement does. */
  readonly onSettlement?: (event: SettlementEvent) => void;
};

export interface SettlementParts {
  readonly network: string;
  readonly ledger: Ledger;
  readonly store: Pick<Store, 'settlement'>;
  readonly identityKeys: SettlementDeps['identityKeys'];
  readonly onError: (error: unknown, about: object) => void;
}

/** Settlement over a contract, not started yet (SPEC X7, X8); closed with the coordinator. */
export function openSettlement({ epochEveryMs, onSettlement, ...chain }: ChainOptions, { network, ledger, store, identityKeys, onError }: SettlementParts, undo: AsyncDisposableStack): Settlement {
  const settlement = new Settlement(
    {
      clock: systemClock,
      chain: new CommitmentStore(chain),
      store: store.settlement,
      ledger,
      grower: new ThreadedTrees(),
      identityKeys,
      onEvent: (event) => onSettlement?.(event),
      onError: (error) => onError(error, { about: 'settlement' }),
    },
    { network, rate: LAUNCH_RATE, everyMs: epochEveryMs ?? EPOCH_EVERY_MS, maxChanged: EPOCH_MAX_CHANGED, pushFrom: PUSH_FROM },
  );
  undo.defer(() => settlement.close());
  return settlement;
}
