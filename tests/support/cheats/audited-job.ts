/** One stage of a signed job with real keys, its units, and opinions on it: what auditors and tampered evidence are tried on. */
import { randomBytes } from 'node:crypto';
import { blindBytes, blindCommitment, rowHashes, rowPieces } from '@ciro/core/audit/blind.ts';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { verdictOf } from '@ciro/core/audit/verdict.ts';
import { toHex } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { hex } from './committed-unit.ts';
import type { StageUnderAudit, UnitUnderAudit } from '@ciro/core/audit/check-unit.ts';
import type { StageEvidence } from '@ciro/core/audit/stage-evidence.ts';
import type { Opinion, Transcript } from '@ciro/core/audit/transcript.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';
import type { CoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';

const NETWORK = 'ciro-test';
const STAGES = 3;

/** Somebody with a node id and a device key. */
export interface Party {
  readonly node: NodeId;
  readonly device: CoordinatorKey;
}

export const newParty = async (): Promise<Party> => ({ node: toHex(randomBytes(20)) as NodeId, device: await generateCoordinatorKey() });

/** A stage's units as committed under a plan of three stages, with everything a third party needs to look at them. */
export interface StageJob {
  readonly plan: JobPlan;
  readonly planHash: HexHash;
  readonly stage: number;
  readonly worker: Party;
  readonly coordinator: CoordinatorKey;
  readonly under: StageUnderAudit;
  readonly units: readonly UnitUnderAudit[];
  readonly salts: readonly string[];
  readonly leaves: readonly string[];
  readonly root: string;
}

/** What does not change from job to job. */
export interface JobFrame {
  readonly workers: readonly Party[];
  readonly coordinator: CoordinatorKey;
  readonly table: CalibrationTable;
  readonly layers: number;
  readonly modelId: HexHash;
}

export async function jobFrame(model: Pick<JobFrame, 'table' | 'layers' | 'modelId'>): Promise<JobFrame> {
  return { ...model, workers: await Promise.all(Array.from({ length: STAGES }, newParty)), coordinator: await generateCoordinatorKey() };
}

/** Signs off a stage's units: plan, salts, leaves and root are those of an honest job. */
export function stageJob({ workers, coordinator, table, layers, modelId }: JobFrame, stage: number, units: readonly UnitUnderAudit[]): StageJob {
  const [worker] = workers.slice(stage);
  if (worker === undefined) throw new RangeError(`stage ${stage} of ${workers.length}`);
  const cut = (index: number): number => Math.round((layers * index) / STAGES);
  const positions = units.at(-1)?.to ?? 0;
  const nothing = hex(new Uint8Array()) as HexHash;
  const plan: JobPlan = {
    format: 2,
    network: NETWORK,
    job: toHex(randomBytes(16)) as JobId,
    version: 1,
    modelId,
    precision: 'f32',
    stages: workers.map(({ node, device }, index) => ({ worker: node, devicePublicKey: device.publicKey, layers: [cut(index), cut(index + 1)], nonce: null })),
    sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    promptHash: nothing,
    promptTokens: positions,
    maxTokens: 1,
    stopIds: [],
    quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '0', hold: '1' },
    nonces: { coordinator: nothing, requester: null },
  };
  const planHash = planHashOf(plan);
  const salts = units.map(() => toHex(randomBytes(16)));
  const context = { network: NETWORK, worker: worker.node, job: plan.job, planHash, stage, modelId, precision: plan.precision };
  const leaves = units.map((unit, index) => leafHash(context, { ...unit, linkHash: '' }, salts[index] ?? ''));
  const last = stage === STAGES - 1;
  return { plan, planHash, stage, worker, coordinator, under: { table, boundary: last ? layers + 1 : cut(stage + 1), last }, units, salts, leaves, root: merkleRoot(leaves) };
}

/** How an auditor's part comes about. `rows`: one array a unit, what it commits to and opens; `said`: the verdict that is written down. */
export interface AuditorPart {
  readonly auditor: Party | 'coordinator';
  readonly rows: readonly Float32Array[];
  readonly engine?: Opinion['engine'];
  readonly said?: Opinion['verdict'];
}

/** An opinion as the desk writes it: committed, signed, opened, judged by the rows. */
export async function opinionOf(job: StageJob, { auditor, rows, engine, said }: AuditorPart): Promise<Opinion> {
  const own = auditor === 'coordinator';
  const device = own ? job.coordinator : auditor.device;
  const audit = toHex(randomBytes(16)) as AuditId;
  const salt = toHex(randomBytes(16));
  const hashes = rows.flatMap((each) => rowHashes(each, job.under.table.hidden));
  const name = own ? 'coordinator' : auditor.node;
  const commitment = blindCommitment({ network: NETWORK, audit, job: job.plan.job, planHash: job.planHash, stage: job.stage, auditor: name, salt, rows: hashes });
  const verdict = said ?? verdictOf(job.units.map((unit, index) => checkUnit(unit, rows[index] ?? new Float32Array(), job.under)), null);
  return { audit, auditor: name, engine: engine ?? (own ? 'reference' : 'wasm'), independent: !own, devicePublicKey: device.publicKey, commitment, signature: await device.sign(blindBytes(commitment)), salt, rows: hashes, ids: null, verdict };
}

/** The transcript of an audit in full with these opinions. `outcome` is what it says of itself. */
export function transcriptOf(job: StageJob, opinions: readonly Opinion[], outcome: Transcript['outcome']): Transcript {
  const candidates = opinions.flatMap(({ auditor }) => (auditor === 'coordinator' ? [] : [{ worker: auditor, weight: 1 }])).sort((a, b) => (a.worker < b.worker ? -1 : 1));
  return {
    format: 1,
    network: NETWORK,
    job: job.plan.job,
    planHash: job.planHash,
    stage: job.stage,
    worker: job.worker.node,
    reason: 'checked',
    beacon: job.planHash,
    units: job.units.length,
    candidates: candidates.filter(({ worker }, index) => candidates[index - 1]?.worker !== worker),
    opinions: [...opinions],
    outcome,
    note: '',
    decidedAt: 0,
  };
}

export function evidenceOf(job: StageJob): StageEvidence {
  const units = job.units.map((unit, index) => ({ ...unit, salt: job.salts[index] ?? null }));
  return { plan: job.plan, stage: job.stage, coordinatorPublicKey: job.coordinator.publicKey, table: job.under.table, units, root: job.root };
}

/** Inputs, payloads and every auditor's rows by hash. */
export function piecesOf(job: StageJob, rows: readonly (readonly Float32Array[])[]): Map<string, Uint8Array> {
  const all = [...job.units.flatMap(({ input, payload }) => [input, payload]), ...rows.flat().flatMap((each) => rowPieces(each, job.under.table.hidden))];
  return new Map(all.map((bytes) => [hex(bytes), bytes]));
}
