import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { Alarm } from '../audit/alarm.ts';

/** An alarm with its proof, as kept. */
export interface KeptAlarm {
  /** Epoch milliseconds. */
  readonly keptAt: number;
  readonly alarm: Alarm;
}

/** Port: what this tab keeps of the coordinator, so that it is watched over restarts too (SPEC B2). */
export interface WatchStore {
  keepAlarm(alarm: Alarm): Promise<void>;
  /** Newest first. */
  alarms(count: number): Promise<KeptAlarm[]>;
  /** The newest ledger head that was checked, one a coordinator. */
  keepHead(coordinatorPublicKey: string, head: SignedHead): Promise<void>;
  head(coordinatorPublicKey: string): Promise<SignedHead | undefined>;
}
