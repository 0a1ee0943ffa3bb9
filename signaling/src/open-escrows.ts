import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { JobManager } from './chain/job-manager.ts';
import { LEAST_TIME_S } from './escrow/check-escrow.ts';
import { EscrowDesk } from './escrow/escrow-desk.ts';
import { EscrowMoney } from './escrow/escrow-money.ts';
import { registerModels } from './escrow/register-models.ts';
import { systemClock } from './sessions/clock.ts';
import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { AuditMoney } from './audit/ports.ts';
import type { JobManagerOptions } from './chain/job-manager.ts';
import type { EscrowRouteDependencies } from './edge/escrow-routes.ts';
import type { EscrowEvent } from './escrow/ports.ts';
import type { ServedModelHashes } from './escrow/register-models.ts';
import type { JobEscrow } from './evidence/evidence.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Store } from './store/open-store.ts';

/** The JobManager whose jobs are served, and the store that its earnings go to. */
export type EscrowOptions = JobManagerOptions & {
  /** Address of the CommitmentStore that our workers are paid from. */
  readonly store: string;
  /** Registers the served models at the start, where the account may (MODEL_ADMIN). */
  readonly registerModels?: boolean;
  readonly lookEveryMs?: number;
  /** The first look waits for it: a chain whose contracts are still being deployed. What it rejects with is told, and no escrow is served then. */
  readonly ready?: Promise<unknown>;
  readonly onEscrow?: (event: EscrowEvent) => void;
};

export interface EscrowParts {
  readonly store: Store;
  readonly ledger: Ledger;
  /** Books what audits say, at once. */
  readonly money: AuditMoney;
  readonly models: () => readonly ServedModelHashes[];
  readonly onError: (error: unknown, about: object) => void;
}

/** Escrows as the coordinator wires them; without options none is served, and those of an earlier start stay as they are. */
export interface OpenedEscrows {
  /** In place of `EscrowParts.money`. */
  readonly money: AuditMoney;
  readonly desk: EscrowDesk | undefined;
  readonly routes: EscrowRouteDependencies;
  /** For evidence: the escrow that pays for a job. */
  behind(job: string): Promise<JobEscrow | undefined>;
  start(): void;
  close(): Promise<void>;
}

export function openEscrows(options: EscrowOptions | undefined, { store, ledger, money, models, onError }: EscrowParts): OpenedEscrows {
  const chain = options === undefined ? undefined : new JobManager(options);
  const failed = (error: unknown, escrow?: EscrowId): void => onError(error, { about: 'escrow', escrow });
  const desk =
    options === undefined || chain === undefined
      ? undefined
      : new EscrowDesk({ clock: systemClock, chain, store: store.escrows, ledger, archive: store.jobs, money, onEvent: (event) => options.onEscrow?.(event), onError: failed }, { store: options.store, rate: LAUNCH_RATE, ...(options.lookEveryMs === undefined ? {} : { lookEveryMs: options.lookEveryMs }) });
  let closed = false;
  return {
    money: new EscrowMoney({ money, ledger, store: store.escrows }),
    desk,
    routes: {
      terms: options === undefined || chain === undefined ? undefined : { chainId: chain.chainId, jobManager: chain.jobManager, store: options.store, rate: LAUNCH_RATE, leastTime: LEAST_TIME_S },
      find: (id) => store.escrows.find(id),
    },
    async behind(job) {
      const id = await ledger.escrowBehind(job);
      const escrow = id === undefined ? undefined : await store.escrows.find(id);
      return escrow === undefined ? undefined : { escrow, ...(chain === undefined ? {} : { chainId: chain.chainId, jobManager: chain.jobManager }) };
    },
    start() {
      if (desk === undefined || chain === undefined) return;
      const begin = async (): Promise<void> => {
        await options?.ready;
        if (closed) return;
        desk.start();
        if (options?.registerModels === true) await registerModels(chain, models());
      };
      void begin().catch(failed);
    },
    async close() {
      closed = true;
      await desk?.close();
    },
  };
}
