import { KeptJobs } from './kept-jobs.ts';
import { RETAIN_DRAWN_MS, RETAINED_SHARE } from './stage-limits.ts';
import { SUPPLY_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { NonceBook } from './nonce-book.ts';
import type { PieceSender } from './piece-sender.ts';
import type { StageIdentity, StagePorts } from './stage-ports.ts';

type Message<Type extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: Type }>;
type AfterJobPorts = Pick<StagePorts, 'send' | 'sign' | 'now'>;

/** What a worker still owes to a job that is over: its nonce, opened to the roots, and rows for an audit (SPEC A2, PROTOCOL 6). */
export class AfterJob {
  readonly kept: KeptJobs;
  readonly #nonces: NonceBook;
  readonly #ports: AfterJobPorts;
  readonly #pieces: PieceSender;

  constructor(identity: Pick<StageIdentity, 'memoryBudgetBytes'>, ports: AfterJobPorts, nonces: NonceBook, pieces: PieceSender) {
    this.kept = new KeptJobs(RETAINED_SHARE * identity.memoryBudgetBytes, () => ports.now());
    this.#nonces = nonces;
    this.#ports = ports;
    this.#pieces = pieces;
  }

  /** Every root of a job: the nonce is opened to them if ours is among them, once. Anything else is not answered. */
  async reveal({ job, version, roots }: Message<'reveal'>): Promise<void> {
    this.kept.extend(job, version, RETAIN_DRAWN_MS);
    const opened = this.#nonces.open(job, version, roots);
    if (opened === undefined) return;
    const { nonce, rootsHash, bytes } = opened;
    this.#ports.send({ type: 'nonce', job, version, rootsHash, nonce, signature: await this.#ports.sign(bytes) });
  }

  release({ job, version }: Message<'release'>): void {
    this.kept.release(job, version);
  }

  /** Uploads what was asked for, or refuses it by code; resolves when that is done. */
  async supply({ audit, job, version, side, from = 0, units }: Message<'supply'>): Promise<void> {
    const refuse = (code: string, message: string): void => this.#ports.send({ type: 'supply-refused', audit, side, code, message });
    const rows = this.kept.find(job, version);
    if (rows === undefined) return refuse('not-kept', `This worker has no rows of job ${job}, version ${version}, any more; ask a neighbour.`);
    if (units > rows.units) return refuse('no-such-units', `Job ${job} has ${rows.units} units on this worker; ${units} were asked for.`);
    this.kept.extend(job, version, SUPPLY_TIMEOUT_MS);
    const outcome = await this.#pieces.send({ audit, side, from, units, pieceOf: (unit) => rows.piece(side, unit) });
    if (outcome === 'busy') refuse('busy', `This worker uploads for other audits; ask a neighbour, or again.`);
  }
}
