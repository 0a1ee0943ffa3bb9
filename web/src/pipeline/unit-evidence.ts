import { toBase64, toHex, utf8 } from '@ciro/core/bytes.ts';
import { canonicalJson } from '@ciro/core/canonical-json.ts';
import { LEAF_SALT_BYTES, leafHash } from '@ciro/core/commitment/leaf.ts';
import { hashUnit, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { encodeFrame } from '@ciro/core/protocol/frame.ts';
import { MAX_UNIT_HINT_BYTES } from '@ciro/core/protocol/limits.ts';
import { acknowledgementBytes, disagreementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { badReceipt, readReceipt } from './neighbour-receipt.ts';
import { badAcknowledgement, readAcknowledgement } from './neighbour-acknowledgement.ts';
import { StageError } from './stage-error.ts';
import { MAX_TELLINGS } from './stage-limits.ts';
import type { UnitBytes, UnitHashes } from '@ciro/core/commitment/unit-hashes.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Frame } from '@ciro/core/protocol/frame.ts';
import type { Acknowledgement, Receipt, ReceiptBody } from '@ciro/core/receipt/receipt.ts';
import type { StageJob } from './stage-job.ts';
import type { StageIdentity, StageMessage, StagePorts } from './stage-ports.ts';

/** What evidence needs of its job: who the parties are, and what came over the link from upstream. */
export type EvidenceJob = Pick<StageJob, 'plan' | 'planHash' | 'stage' | 'isFirst' | 'positions' | 'upstream' | 'downstream' | 'linkBytes'>;

export type EvidencePorts = Pick<StagePorts, 'send' | 'sendFrame' | 'digest' | 'sign' | 'verify' | 'signRoot' | 'randomHex' | 'turn' | 'credit'>;

type RootStats = Extract<StageMessage, { type: 'root' }>['stats'];

interface SignedUnit extends UnitHashes {
  readonly salt: string;
  readonly leaf: string;
  readonly receipt: Receipt;
  /** Downstream's word on it came. */
  acknowledged: boolean;
}

export interface EvidenceHooks {
  /** Runs a unit's task and notes how long it took. */
  measured(task: () => Promise<void>): Promise<void>;
  /** A task threw: what a neighbour sent was refused, or signing failed. */
  failed(error: unknown): void;
  /** The root was posted. */
  rooted(root: string): void;
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
  /** Receipts that came before our own unit closed. */
  readonly #waiting = new Map<number, Receipt>();
  /** Units of upstream that were judged, each once, and our word on those that were acknowledged. */
  readonly #judged = new Map<number, Acknowledgement | undefined>();
  #receiptsLeft: number;
  #acknowledgementsLeft: number;
  #over = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(job: EvidenceJob, identity: StageIdentity, ports: EvidencePorts, hooks: EvidenceHooks) {
    this.#job = job;
    this.#identity = identity;
    this.#ports = ports;
    this.#hooks = hooks;
    this.#receiptsLeft = this.#acknowledgementsLeft = MAX_TELLINGS * Math.ceil(job.positions / UNIT_POSITIONS);
  }

  /** Hashes and signs these units, tells the coordinator and the downstream neighbour, and looks at receipts that waited for them. */
  close(units: readonly UnitBytes[]): void {
    for (const unit of units) this.#later(() => this.#hooks.measured(() => this.#signUnit(unit)));
  }

  /** A receipt from upstream. Throws StageError `bad-receipt` when it cannot be about this job's work. */
  takeReceipt(frame: Frame): void {
    const receipt = readReceipt(frame, this.#job, this.#identity.network, this.#receiptsLeft--);
    this.#later(() => this.#judge(receipt, frame));
  }

  /** Downstream's word on one of our units. Throws StageError `bad-acknowledgement` when it cannot be one. */
  takeAcknowledgement(frame: Frame): void {
    const acknowledgement = readAcknowledgement(frame, this.#job, this.#acknowledgementsLeft--);
    this.#later(() => this.#witness(acknowledgement, frame));
  }

  /** A link to downstream is open again: what went over the old one and had no answer may be lost, so it is told again (SPEC R3). */
  retell(): void {
    this.#later(async () => {
      for (const { receipt, acknowledged } of this.#units.values()) if (!acknowledged) this.#tell('receipt', receipt.body, receipt);
    });
  }

  /** Ids came late: receipts that waited for them can be judged. */
  recheck(): void {
    this.#later(() => this.#judgeWaiting());
  }

  /** Closes these last units, judges what can be judged now, and posts the root. */
  finish(closed: readonly UnitBytes[], stats: () => RootStats): Promise<void> {
    this.close(closed);
    this.#later(async () => {
      this.#over = true;
      await this.#judgeWaiting();
    });
    this.#later(() => this.#postRoot(stats));
    return this.#tail;
  }

  #later(task: () => Promise<void>): void {
    this.#tail = this.#tail.then(() => this.#ports.turn()).then(task).catch((error: unknown) => this.#hooks.failed(error));
  }

  async #signUnit(bytes: UnitBytes): Promise<void> {
    const { hints, ...unit } = await hashUnit(bytes, (part) => this.#ports.digest(part));
    const { plan, planHash, stage } = this.#job;
    const { network, nodeId: worker } = this.#identity;
    const { unit: index, from, to, inputHash, payloadHash, linkHash } = unit;
    if (hints.length > MAX_UNIT_HINT_BYTES) {
      throw new StageError('stage-failed', `Unit ${index} of job ${plan.job} has ${hints.length} bytes of hints, the limit is ${MAX_UNIT_HINT_BYTES}: nearly every value lies on a cell edge; calibrate the model again.`, { fault: 'platform', fields: { job: plan.job, unit: index } });
    }
    const salt = this.#ports.randomHex(LEAF_SALT_BYTES);
    const leaf = leafHash({ network, worker, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision }, unit, salt);
    const body: ReceiptBody = { network, job: plan.job, planHash, stage, worker, unit: index, from, to, inputHash: inputHash as HexHash, payloadHash: payloadHash as HexHash, linkHash: linkHash as HexHash };
    const receipt: Receipt = { body, signature: await this.#ports.sign(receiptBytes(body)) };
    this.#units.set(index, { ...unit, salt, leaf, receipt, acknowledged: false });
    this.#ports.credit.committed(receipt);
    this.#ports.send({ type: 'unit', receipt, canonHash: unit.canonHash as HexHash, hintHash: unit.hintHash as HexHash, hints: toBase64(hints) });
    this.#tell('receipt', body, receipt);
    const waiting = this.#waiting.get(index);
    if (waiting !== undefined) await this.#compare(waiting);
  }

  /**
   * A receipt of ours for downstream; or, for the worker whose unit it is, a copy of our word on its receipt: it can then tell what its credit must be
   * (SPEC B3).
   */
  #tell(kind: 'receipt' | 'acknowledgement', { from, to }: ReceiptBody, word: Receipt | Acknowledgement): void {
    const { plan, stage, upstream, downstream } = this.#job;
    const peer = kind === 'receipt' ? downstream : upstream;
    if (peer === undefined) return;
    this.#ports.sendFrame(peer, encodeFrame({ kind, job: plan.job, planVersion: plan.version, position: from, count: 0, acceptedTo: to, stage, payload: utf8(canonicalJson(word)) }));
  }

  async #judge(receipt: Receipt, frame: Frame): Promise<void> {
    const { plan, stage } = this.#job;
    const signer = plan.stages[(stage + plan.stages.length - 1) % plan.stages.length];
    if (signer === undefined || !(await this.#ports.verify(signer.devicePublicKey, receiptBytes(receipt.body), receipt.signature))) {
      throw badReceipt(frame, 'was not signed by the device key that the plan names');
    }
    const { unit } = receipt.body;
    const word = this.#judged.get(unit);
    if (word !== undefined && word.receiptHash === receiptHash(receipt.body)) return this.#tell('acknowledgement', receipt.body, word);
    if (this.#judged.has(unit) || this.#waiting.has(unit)) return;
    this.#waiting.set(unit, receipt);
    await this.#compare(receipt);
  }

  async #judgeWaiting(): Promise<void> {
    for (const receipt of this.#waiting.values()) await this.#compare(receipt);
  }

  /** Acknowledges or disagrees when our own side of the link is known; else the receipt goes on waiting. */
  async #compare(receipt: Receipt): Promise<void> {
    const { unit, linkHash } = receipt.body;
    const mine = await this.#expected(receipt.body);
    if (mine === undefined) return;
    this.#waiting.delete(unit);
    this.#judged.set(unit, undefined);
    const { job } = this.#job.plan;
    const signer = this.#identity.nodeId;
    const hash = receiptHash(receipt.body);
    if (mine === linkHash) {
      const acknowledgement: Acknowledgement = { receiptHash: hash, signer, signature: await this.#ports.sign(acknowledgementBytes(hash, signer)) };
      this.#judged.set(unit, acknowledgement);
      this.#ports.send({ type: 'acknowledge', job, acknowledgement });
      this.#tell('acknowledgement', receipt.body, acknowledgement);
    } else {
      this.#ports.send({ type: 'disagree', job, receipt, linkHash: mine, signature: await this.#ports.sign(disagreementBytes(hash, signer, mine)) });
    }
  }

  /** Keeps downstream's word if it is about a receipt of ours, is downstream's, and is signed. */
  async #witness(acknowledgement: Acknowledgement, frame: Frame): Promise<void> {
    const { plan, stage } = this.#job;
    const signer = plan.stages[(stage + 1) % plan.stages.length];
    const unit = this.#units.get(Math.floor(frame.position / UNIT_POSITIONS));
    if (signer === undefined || unit === undefined || unit.from !== frame.position || receiptHash(unit.receipt.body) !== acknowledgement.receiptHash) {
      throw badAcknowledgement(frame, 'is about no receipt of this stage');
    }
    if (unit.acknowledged) return;
    if (!(await this.#ports.verify(signer.devicePublicKey, acknowledgementBytes(acknowledgement.receiptHash, acknowledgement.signer), acknowledgement.signature))) {
      throw badAcknowledgement(frame, 'was not signed by the device key that the plan names');
    }
    unit.acknowledged = true;
    this.#ports.credit.acknowledged(unit.receipt, acknowledgement);
  }

  /** Hash of what came over the link for these positions; undefined while it is not known. */
  async #expected({ unit, from, to }: ReceiptBody): Promise<HexHash | undefined> {
    if (!this.#job.isFirst) {
      const own = this.#units.get(unit);
      if (own?.to === to) return own.inputHash as HexHash;
      // Our own unit will close and bring the hash. Only at the end of a job may neighbours have closed at other positions.
      if (own === undefined && !this.#over) return undefined;
    }
    const bytes = this.#job.linkBytes(from, to);
    return bytes === undefined ? undefined : (toHex(await this.#ports.digest(bytes)) as HexHash);
  }

  async #postRoot(stats: () => RootStats): Promise<void> {
    const { plan, planHash, stage } = this.#job;
    const units = [...this.#units.values()].sort((left, right) => left.unit - right.unit);
    const root = merkleRoot(units.map(({ leaf }) => leaf));
    const signature = await this.#ports.signRoot({ network: this.#identity.network, job: plan.job, planHash, stage, root });
    this.#ports.send({
      type: 'root',
      job: plan.job,
      planHash,
      stage,
      root,
      signature,
      salts: units.map(({ salt }) => salt),
      stats: stats(),
    });
    this.#hooks.rooted(root);
  }
}
