import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, toHex, utf8 } from '../bytes.ts';
import { boundaryGrid } from '../commitment/cells.ts';
import { leafHash } from '../commitment/leaf.ts';
import { NO_ID } from '../commitment/unit-hashes.ts';
import { planHashOf } from '../job/plan.ts';
import { merkleRoot } from '../merkle/poseidon-tree.ts';
import { beaconOf, nonceBytesToSign, nonceCommitment, rootsHashOf } from './audit-draw.ts';
import { auditTable, committedUnit, seededRows } from './audited-unit.fixture.ts';
import { blindBytes, blindCommitment, rowHashes, rowPieces } from './blind.ts';
import { checkUnit } from './check-unit.ts';
import { boundaryOf } from './stage-evidence.ts';
import { stageDraw } from './stage-draw.ts';
import { verdictOf } from './verdict.ts';
import type { AuditId, HexHash, JobId, NodeId } from '../ids.ts';
import type { JobPlan } from '../job/plan.ts';
import type { UnitUnderAudit } from './check-unit.ts';
import type { VerifySignature } from './problem.ts';
import type { CommittedUnit, StageEvidence } from './stage-evidence.ts';
import type { AuditDraw, Opinion, Transcript } from './transcript.ts';

const CHANNELS = 8;
const POSITIONS = 40;
const hash = (text: string): HexHash => toHex(sha256(utf8(text))) as HexHash;

/** Keys, signatures and nonces of a party: the signature only says who signed what, as a platform's would. */
export const keyOf = (name: string): string => `04${hash(`key ${name}`).repeat(2)}`;
export const signatureOf = (publicKey: string, bytes: Uint8Array): string => toHex(sha256(concatBytes(utf8(publicKey), bytes))).repeat(2);
export const verifySignature: VerifySignature = async (publicKey, bytes, signature) => signature === signatureOf(publicKey, bytes);
const nonceOf = (name: string): string => hash(`nonce ${name}`);
export const nodeOf = (name: string): NodeId => hash(`node ${name}`).slice(0, 40) as NodeId;

const table = auditTable(CHANNELS, 4);

/** A plan of two stages of a layer each, in which every party gave a nonce. */
export function auditedPlan(changes: Partial<JobPlan> = {}): JobPlan {
  const stage = (name: string, from: number): JobPlan['stages'][number] => ({ worker: nodeOf(name), devicePublicKey: keyOf(name), layers: [from, from + 1], nonce: nonceCommitment(nonceOf(name)) });
  return {
    format: 2, network: 'ciro-test', job: 'b'.repeat(32) as JobId, version: 1, modelId: hash('model'), precision: 'f32', stages: [stage('first', 0), stage('last', 1)],
    sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 }, promptHash: hash('prompt'), promptTokens: 10, maxTokens: 40, stopIds: [2],
    quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '87' },
    nonces: { coordinator: nonceCommitment(nonceOf('coordinator')), requester: nonceCommitment(nonceOf('requester')) },
    ...changes,
  };
}

interface CommittedStage {
  readonly rows: Float32Array;
  readonly units: readonly (UnitUnderAudit & { readonly salt: string })[];
  readonly root: string;
}

/** Three units of a stage, as an honest worker commits to them; `tamper` changes its rows before it does. */
export function committedStage(plan: JobPlan, stage: number, tamper: (rows: Float32Array) => void = () => {}): CommittedStage {
  const boundary = boundaryOf(plan, stage);
  const rows = seededRows(100 * stage, boundaryGrid(table, boundary), 0, POSITIONS);
  tamper(rows);
  const last = stage === plan.stages.length - 1;
  const context = { network: plan.network, worker: plan.stages[stage]?.worker ?? ('' as NodeId), job: plan.job, planHash: planHashOf(plan), stage, modelId: plan.modelId, precision: plan.precision };
  const units = [0, 16, 32].map((from) => {
    const part = rows.subarray(from * CHANNELS, Math.min(from + 16, POSITIONS) * CHANNELS);
    const ids = Uint32Array.from({ length: part.length / CHANNELS }, (_, index) => (from + index < plan.promptTokens - 1 ? NO_ID : 5));
    return { ...committedUnit({ rows: part, table, boundary, from, ...(last ? { ids } : {}) }), salt: hash(`salt ${stage} ${from}`).slice(0, 32) };
  });
  return { rows, units, root: merkleRoot(units.map((unit) => leafHash(context, { ...unit, linkHash: '' }, unit.salt))) };
}

export function stageEvidence(plan: JobPlan, stage: number, { units, root }: CommittedStage): StageEvidence {
  const committed = units.map(({ unit, from, to, inputHash, payloadHash, canonHash, hintHash, hints, salt }): CommittedUnit => ({ unit, from, to, inputHash, payloadHash, canonHash, hintHash, hints, salt }));
  return { plan, stage, coordinatorPublicKey: keyOf('coordinator'), table, units: committed, root };
}

/** A draw in which everyone opened its nonce, unless named in `silent`. */
export function draw(plan: JobPlan, roots: readonly (string | null)[], options: { rates?: readonly number[]; silent?: readonly string[]; checked?: boolean } = {}): AuditDraw {
  const { rates = [1, 1], silent = [], checked = false } = options;
  const planHash = planHashOf(plan);
  const rootsHash = rootsHashOf({ network: plan.network, job: plan.job, planHash, roots });
  const opened = (name: string): string | null => (silent.includes(name) ? null : nonceOf(name));
  const workers = ['first', 'last'].map((name) => {
    const nonce = opened(name);
    return nonce === null ? null : { nonce, signature: signatureOf(keyOf(name), nonceBytesToSign({ network: plan.network, job: plan.job, planHash, rootsHash, nonce })) };
  });
  const requester = opened('requester');
  const beacon = beaconOf({ planHash, rootsHash, coordinator: nonceOf('coordinator'), requester, workers: workers.map((each) => each?.nonce ?? null) });
  const stages = workers.map((each, index) => stageDraw(beacon, index, { units: 3, rate: rates[index] ?? 1, full: each === null ? 'unrevealed' : checked ? 'checked' : null }));
  return { roots: [...roots], rootsHash, coordinator: nonceOf('coordinator'), requester, workers, beacon, stages };
}

/** An honest auditor's opinion, made from its own rows; its pieces go into `pieces`. */
export function opinion(transcript: Transcript, committed: CommittedStage, rows: Float32Array, options: { auditor: NodeId | 'coordinator'; name: string; plan: JobPlan; pieces: Map<string, Uint8Array> }): Opinion {
  const { auditor, name, plan, pieces } = options;
  const { network, job, planHash, stage, units } = transcript;
  const audited = rows.subarray(0, Math.min(16 * units, POSITIONS) * CHANNELS);
  const names = rowHashes(audited, CHANNELS);
  rowPieces(audited, CHANNELS).forEach((piece, index) => pieces.set(names[index] ?? '', piece));
  const last = stage === plan.stages.length - 1;
  const checks = committed.units.slice(0, units).map((unit) => checkUnit(unit, audited.subarray(unit.from * CHANNELS, unit.to * CHANNELS), { table, boundary: boundaryOf(plan, stage), last }));
  for (const unit of committed.units) for (const [key, piece] of [[unit.inputHash, unit.input], [unit.payloadHash, unit.payload]] as const) pieces.set(key, piece);
  const audit = hash(`audit ${name}`).slice(0, 32) as AuditId;
  const salt = hash(`blind ${name}`).slice(0, 32);
  const commitment = blindCommitment({ network, audit, job, planHash, stage, auditor, salt, rows: names });
  const ids = last ? { checked: 31, ambiguous: 0, wrong: [] } : null;
  const own = auditor === 'coordinator';
  return { audit, auditor, engine: own ? 'reference' : 'wasm', independent: !own, devicePublicKey: keyOf(name), commitment, signature: signatureOf(keyOf(name), blindBytes(commitment)), salt, rows: names, ids, verdict: verdictOf(checks, ids) };
}
