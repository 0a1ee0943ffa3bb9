import { sha256 } from '@noble/hashes/sha2.js';
import { toBase64, toHex, utf8 } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-committer.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { encodeFrame } from '@ciro/core/protocol/frame.ts';
import { MAX_CONTROL_BYTES } from '@ciro/core/protocol/limits.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { badReceipt, disagreementBytes, readReceipt } from './neighbour-receipt.ts';
import type { ClosedUnit } from '@ciro/core/commitment/unit-committer.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { Receipt, ReceiptBody } from '@ciro/core/receipt/receipt.ts';
import type { StageJob } from './stage-job.ts';
import type { StageIdentity, StageMessage, StagePorts } from './stage-ports.ts';

/** What evidence needs of its job: who the parties are, and the ids that crossed the link to the first stage. */
export type EvidenceJob = Pick<StageJob, 'plan' | 'planHash' | 'stage' | 'isFirst' | 'positions' | 'upstream' | 'downstream' | 'followingBytes'>;

export type EvidencePorts = Pick<StagePorts, 'send' | 'sendFrame' | 'sign' | 'verify' | 'signRoot' | 'salt' | 'turn'>;

type RootStats = Extract<StageMessage, { type: 'root' }>['stats'];

interface SignedUnit extends ClosedUnit {
  readonly salt: string;
  readonly leaf: string;
}

/** Room for everything in a `root` message but the hints: salts of 4,096 units are 140 kB, of a usual job 3 kB. */
const ROOT_MESSAGE_BYTES_WITHOUT_HINTS = 64 * 1024;

/** Receipts beyond one a unit: the unit that a cancel cut is signed a second time. */
const CUT_RECEIPTS = 2;

export interface EvidenceHooks {
  /** Runs a unit's task and notes how long it took. */
  measured(task: () => Promise<void>): Promise<void>;
  /** A task threw: a neighbour's receipt was refused, or signing failed. */
  failed(error: unknown): void;
}

/**
 * Signatures and hashes of one stage of one job that may take their time: salted leaves, receipts, the neighbour's receipts,
 * the root. Tasks run one after the other, each after what waits in the event loop, so no frame waits for them.
 */
export class UnitEvidence {
  readonly #job: EvidenceJob;
  readonly #identity: StageIdentity;
  readonly #ports: EvidencePorts;
  readonly #hooks: EvidenceHooks;
  readonly #units = new Map<number, SignedUnit>();
  /** Receipts that came before our own unit closed, the newest of each unit. */
  readonly #waiting = new Map<number, Receipt>();
  /** Per unit the end of the receipt that was judged: only a shorter one, after a cut, may follow. */
  readonly #judged = new Map<number, number>();
  #receiptsLeft: number;
  #over = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(job: EvidenceJob, identity: StageIdentity, ports: EvidencePorts, hooks: EvidenceHooks) {
    this.#job = job;
    this.#identity = identity;
    this.#ports = ports;
    this.#hooks = hooks;
    this.#receiptsLeft = Math.ceil(job.positions / UNIT_POSITIONS) + CUT_RECEIPTS;
  }

  /** Signs these units, tells the coordinator and the downstream neighbour, and looks at receipts that waited for them. */
  close(units: readonly ClosedUnit[]): void {
    for (const unit of units) this.#later(() => this.#hooks.measured(() => this.#signUnit(unit)));
  }

  /** A receipt from upstream. Throws StageError `bad-receipt` when it cannot be about this job's work. */
  takeReceipt(frame: Frame): void {
    const receipt = readReceipt(frame, this.#job, this.#identity.network, this.#receiptsLeft--);
    this.#later(() => this.#judge(receipt, frame));
  }

  /** Ids came late: receipts that waited for them can be judged. */
  recheck(): void {
    this.#later(() => this.#judgeWaiting());
  }

  /** Everything past `withdrawnFrom` is void; `unit` takes the place of what was cut. Then the root is posted. */
  finish(cut: { readonly withdrawnFrom: number; readonly closed: readonly ClosedUnit[]; readonly unit?: ClosedUnit }, stats: () => RootStats): Promise<void> {
    this.#later(async () => {
      for (const { unit, to } of this.#units.values()) if (to > cut.withdrawnFrom) this.#units.delete(unit);
      this.#over = true;
    });
    this.close(cut.unit === undefined ? cut.closed : [...cut.closed, cut.unit]);
    this.#later(() => this.#judgeWaiting());
    this.#later(() => this.#postRoot(stats));
    return this.#tail;
  }

  #later(task: () => Promise<void>): void {
    this.#tail = this.#tail.then(() => this.#ports.turn()).then(task).catch((error: unknown) => this.#hooks.failed(error));
  }

  async #signUnit(unit: ClosedUnit): Promise<void> {
    const { plan, planHash, stage } = this.#job;
    const { network, nodeId: worker } = this.#identity;
    const { unit: index, from, to, inputHash, payloadHash, linkHash } = unit;
    const salt = this.#ports.salt();
    const leaf = leafHash({ network, worker, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision }, unit, salt);
    const body: ReceiptBody = { network, job: plan.job, planHash, stage, worker, unit: index, from, to, inputHash: inputHash as HexHash, payloadHash: payloadHash as HexHash, linkHash: linkHash as HexHash };
    const receipt: Receipt = { body, signature: await this.#ports.sign(receiptBytes(body)) };
    this.#units.set(index, { ...unit, salt, leaf });
    this.#ports.send({ type: 'unit', receipt, canonHash: unit.canonHash as HexHash, hintHash: unit.hintHash as HexHash, hintBytes: unit.hints.length });
    if (this.#job.downstream !== undefined) {
      this.#ports.sendFrame(
        this.#job.downstream,
        encodeFrame({ kind: 'receipt', job: plan.job, planVersion: plan.version, position: from, count: 0, acceptedTo: to, stage, payload: utf8(JSON.stringify(receipt)) }),
      );
    }
    const waiting = this.#waiting.get(index);
    if (waiting !== undefined) await this.#compare(waiting);
  }

  async #judge(receipt: Receipt, frame: Frame): Promise<void> {
    const { plan, stage } = this.#job;
    const signer = plan.stages[(stage + plan.stages.length - 1) % plan.stages.length];
    if (signer === undefined || !(await this.#ports.verify(signer.devicePublicKey, receiptBytes(receipt.body), receipt.signature))) {
      throw badReceipt(frame, 'was not signed by the device key that the plan names');
    }
    const { unit, to } = receipt.body;
    if (to >= (this.#judged.get(unit) ?? Infinity)) return;
    this.#waiting.set(unit, receipt);
    await this.#compare(receipt);
  }

  async #judgeWaiting(): Promise<void> {
    for (const receipt of this.#waiting.values()) await this.#compare(receipt);
  }

  /** Acknowledges or disagrees when our own side of the link is known; else the receipt goes on waiting. */
  async #compare(receipt: Receipt): Promise<void> {
    const { unit, to, linkHash } = receipt.body;
    const mine = this.#expected(receipt.body);
    if (mine === undefined) return;
    this.#waiting.delete(unit);
    if (mine === 'void') return;
    this.#judged.set(unit, to);
    const { job } = this.#job.plan;
    const signer = this.#identity.nodeId;
    const hash = receiptHash(receipt.body);
    if (mine === linkHash) {
      this.#ports.send({ type: 'acknowledge', job, acknowledgement: { receiptHash: hash, signer, signature: await this.#ports.sign(acknowledgementBytes(hash, signer)) } });
    } else {
      this.#ports.send({ type: 'disagree', job, receipt, linkHash: mine, signature: await this.#ports.sign(disagreementBytes(hash, signer, mine)) });
    }
  }

  /** Hash of what came over the link for these positions; `void` when the job ended before them; undefined when not known yet. */
  #expected({ unit, from, to }: ReceiptBody): HexHash | 'void' | undefined {
    if (this.#job.isFirst) {
      const ids = this.#job.followingBytes(from, to);
      return ids === undefined ? undefined : (toHex(sha256(ids)) as HexHash);
    }
    const own = this.#units.get(unit);
    if (own?.to === to) return own.inputHash as HexHash;
    if (!this.#over) return undefined;
    // Longer than the job turned out to be: a shorter receipt follows. Shorter than what we were given: not the same count.
    return own === undefined || to > own.to ? 'void' : (own.inputHash as HexHash);
  }

  async #postRoot(stats: () => RootStats): Promise<void> {
    const { plan, planHash, stage } = this.#job;
    const units = [...this.#units.values()].sort((left, right) => left.unit - right.unit);
    const root = merkleRoot(units.map(({ leaf }) => leaf));
    const signature = await this.#ports.signRoot({ network: this.#identity.network, job: plan.job, planHash, stage, root });
    const hints = units.map((unit) => toBase64(unit.hints));
    const hintBytes = hints.reduce((sum, text) => sum + text.length, 0);
    this.#ports.send({
      type: 'root',
      job: plan.job,
      planHash,
      stage,
      root,
      signature,
      salts: units.map(({ salt }) => salt),
      // One message has to hold them: a job whose hints do not fit posts none, and an audit asks for its units again.
      hints: hintBytes > MAX_CONTROL_BYTES - ROOT_MESSAGE_BYTES_WITHOUT_HINTS ? [] : hints,
      stats: stats(),
    });
  }
}
