import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { Offence, Worker, WorkerIdentity } from '../sessions/worker.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';

/** Port: the connected workers. `Sessions` is one. */
export interface Workers {
  /** Workers that can be placed, ordered by node id. */
  workers(): readonly Worker[];
  worker(nodeId: NodeId): Worker | undefined;
  observe(observer: WorkerObserver): void;
  /** Dropped when the node is not connected. */
  send(nodeId: NodeId, message: CoordinatorMessage): void;
  /** Scores a worker and tells it what was dropped. */
  offend(nodeId: NodeId, offence: Offence, code: string, message: string): void;
  /** Ends the connection of a worker that does not answer: it is told `left`, and may connect again. */
  end(nodeId: NodeId, reason: string): void;
  /** The worker's next nonce commitment, for one plan; null when it has none (SPEC A1). */
  takeNonce(nodeId: NodeId): HexHash | null;
  /** Books paid work of one job on the node's public record, in positions times layers. */
  contributed(identity: WorkerIdentity, positionsTimesLayers: number): void;
  /** Notes on the node's record that a job failed because of it. */
  failedJob(identity: WorkerIdentity): void;
}
