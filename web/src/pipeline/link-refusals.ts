import { toHex } from '@ciro/core/bytes.ts';
import { jobKey } from './stage-job.ts';
import { MAX_REFUSALS_PER_LINK } from './stage-limits.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { OpenJob } from './open-job.ts';
import type { StageError } from './stage-error.ts';
import type { StagePorts } from './stage-ports.ts';

/** Bytes of a frame up to and with the plan version (SPEC F2): enough to say which job a broken frame was about. */
const NAMED_BYTES = 28;

/** Counts what each link was refused; a neighbour that only floods is not listened to after MAX_REFUSALS_PER_LINK. */
export class LinkRefusals {
  readonly #refused: StagePorts['refused'];
  readonly #counts = new Map<NodeId, number>();

  /** `refused` is told of every refusal. */
  constructor(refused: StagePorts['refused']) {
    this.#refused = refused;
  }

  isClosed(peer: NodeId): boolean {
    return (this.#counts.get(peer) ?? 0) >= MAX_REFUSALS_PER_LINK;
  }

  count(peer: NodeId, error: StageError): void {
    this.#counts.set(peer, (this.#counts.get(peer) ?? 0) + 1);
    this.#refused(peer, error);
  }

  /** The job that a frame names which cannot be read as a whole: a cut-off frame still has its header. */
  jobNamedIn(bytes: Uint8Array, find: (key: string) => OpenJob | undefined): OpenJob | undefined {
    if (bytes.length < NAMED_BYTES) return undefined;
    const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(24, true);
    return find(jobKey(toHex(bytes.subarray(8, 24)), version));
  }

  /** The link is gone; a new one to the same neighbour begins anew. */
  forget(peer: NodeId): void {
    this.#counts.delete(peer);
  }
}
