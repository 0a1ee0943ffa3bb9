import { sha256 } from '@noble/hashes/sha2.js';
import { beaconOf, nonceBytesToSign, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { auditorOrder } from '@ciro/core/audit/auditor-draw.ts';
import { blindBytes, blindCommitment, rowHashes, rowPieces } from '@ciro/core/audit/blind.ts';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { outcomeOf } from '@ciro/core/audit/quorum.ts';
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { SampledIdTally } from '@ciro/core/audit/sampled-id-tally.ts';
import { boundaryOf } from '@ciro/core/audit/stage-evidence.ts';
import { stageDraw } from '@ciro/core/audit/stage-draw.ts';
import { verdictOf } from '@ciro/core/audit/verdict.ts';
import { fromBase64, toHex } from '@ciro/core/bytes.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { firstUnitOf } from '@ciro/core/job/plan.ts';
import { payloadRows } from '@ciro/core/commitment/payload-rows.ts';
import type { FullReason } from '@ciro/core/audit/stage-draw.ts';
import type { AuditDraw, Opinion, Transcript } from '@ciro/core/audit/transcript.ts';
import type { AuditId, HexHash } from '@ciro/core/ids.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { ToyJob } from './toy-answer.ts';
import type { ToyNetwork, ToyWorker } from './toy-network.ts';

/** Draw, transcripts and pieces of a toy job. */
export interface ToyAudit {
  readonly draw: AuditDraw;
  readonly audits: readonly Transcript[];
  readonly pieces: ReadonlyMap<HexHash, Uint8Array>;
}

/** The draw over a job's roots, every nonce opened whose worker is still there, at this rate; and an audit of each stage that it names (SPEC A2 to A8). */
export async function toyAudit(network: ToyNetwork, job: ToyJob, rate: number): Promise<ToyAudit> {
  const { record } = job;
  const { plan } = record.signed;
  const roots = record.stages.map(({ root }) => root?.root ?? null);
  const about = { network: plan.network, job: plan.job, planHash: record.planHash };
  const rootsHash = rootsHashOf({ ...about, roots });
  const workers = await Promise.all(job.nonces.workers.map(async (nonce, index) => (roots[index] === null ? null : { nonce, signature: await (job.workers[index] as ToyWorker).sign(nonceBytesToSign({ ...about, rootsHash, nonce })) })));
  const beacon = beaconOf({ planHash: record.planHash, rootsHash, coordinator: record.coordinatorNonce, requester: job.nonces.requester, workers: workers.map((opened) => opened?.nonce ?? null) });
  const full = (stage: number): FullReason | null => (job.request.ciro?.assurance === 'checked' ? 'checked' : workers[stage] === null ? 'unrevealed' : null);
  const stages = record.stages.map(({ units }, stage) => stageDraw(beacon, stage, { units: units.length, rate, full: full(stage) }));
  const draw: AuditDraw = { roots, rootsHash, coordinator: record.coordinatorNonce, requester: job.nonces.requester, workers, beacon, stages };
  const pieces = new Map<HexHash, Uint8Array>();
  const audits: Transcript[] = [];
  for (const [stage, { units, reason }] of stages.entries()) if (units > 0 && reason !== null) audits.push(await auditStage(network, job, pieces, { beacon, stage, units, reason }));
  return { draw, audits, pieces };
}

async function auditStage(network: ToyNetwork, job: ToyJob, pieces: Map<HexHash, Uint8Array>, drawn: { beacon: HexHash; stage: number; units: number; reason: Transcript['reason'] }): Promise<Transcript> {
  const { record } = job;
  const { plan } = record.signed;
  const { beacon, stage, units, reason } = drawn;
  const told = { format: 1, network: plan.network, job: plan.job, planHash: record.planHash, stage, worker: (job.workers[stage] as ToyWorker).node, reason, beacon, units, decidedAt: 5_000 } as const;
  if (record.stages[stage]?.root === undefined) return { ...told, candidates: [], opinions: [], outcome: 'unpaid', note: 'no root that holds was posted for this stage' };
  const candidates = network.workers.filter(({ node }) => job.workers.every((party) => party.node !== node)).map(({ node }, index) => ({ worker: node, weight: 1 + index })).sort((a, b) => (a.worker < b.worker ? -1 : 1));
  const auditors = auditorOrder(candidates, beacon, stage);
  const opinions: Opinion[] = [];
  const opine = async (auditor: ToyWorker | undefined): Promise<void> => void opinions.push(await opinionOf(network, job, pieces, { stage, units, auditor }));
  await opine(network.workers.find(({ node }) => node === auditors[0]));
  if (opinions[0]?.verdict.passed === false) {
    await opine(network.workers.find(({ node }) => node === auditors[1]));
    await opine(undefined);
  }
  const outcome = outcomeOf(opinions);
  return { ...told, candidates, opinions, outcome: outcome === 'undecided' ? 'unpaid' : outcome, note: '' };
}

/** A worker's opinion, or without one the coordinator's own. */
async function opinionOf(network: ToyNetwork, job: ToyJob, pieces: Map<HexHash, Uint8Array>, { stage, units, auditor }: { stage: number; units: number; auditor: ToyWorker | undefined }): Promise<Opinion> {
  const { record } = job;
  const { plan } = record.signed;
  const { hidden } = network.manifest.architecture;
  const last = stage === plan.stages.length - 1;
  const committed = record.stages[stage]?.units.slice(0, units) ?? [];
  const positions = committed.at(-1)?.receipt.body.to ?? 0;
  const rows = await network.run(stage, (job.inputs[stage] ?? new Float32Array(0)).slice(0, positions * hidden));
  const keep = (hash: HexHash, piece: Uint8Array): void => void pieces.set(hash, piece.slice());
  const first = firstUnitOf(plan);
  const looked = rows.subarray(first * UNIT_POSITIONS * hidden);
  const hashes = rowHashes(looked, hidden);
  rowPieces(looked, hidden).forEach((piece, index) => keep(hashes[index] ?? (toHex(sha256(piece)) as HexHash), piece));
  const checks = committed.map(({ receipt: { body }, canonHash, hintHash, hints }, index) => {
    const input = job.pieces[stage]?.inputs[index] ?? new Uint8Array(0);
    const payload = job.pieces[stage]?.payloads[index] ?? new Uint8Array(0);
    keep(body.inputHash, input);
    keep(body.payloadHash, payload);
    const unit = { unit: first + index, from: body.from, to: body.to, inputHash: body.inputHash, payloadHash: body.payloadHash, canonHash, hintHash, hints: fromBase64(hints), input, payload };
    return checkUnit(unit, rows.slice(body.from * hidden, body.to * hidden), { table: network.table, boundary: boundaryOf(plan, stage), last });
  });
  const ids = last ? await tallyOf(network, job, units) : null;
  const audit = network.randomHex(16) as AuditId;
  const salt = network.randomHex(16);
  const name = auditor?.node ?? 'coordinator';
  const commitment = blindCommitment({ network: plan.network, audit, job: plan.job, planHash: record.planHash, stage, auditor: name, salt, rows: hashes });
  const signature = await (auditor?.sign(blindBytes(commitment)) ?? network.key.sign(blindBytes(commitment)));
  return { audit, auditor: name, engine: auditor === undefined ? 'reference' : 'wasm', independent: auditor !== undefined, devicePublicKey: auditor?.devicePublicKey ?? network.key.publicKey, commitment, signature, salt, rows: hashes, ids, verdict: verdictOf(checks, ids) };
}

async function tallyOf(network: ToyNetwork, job: ToyJob, units: number): Promise<SampledIds> {
  const { plan } = job.record.signed;
  const { hidden } = network.manifest.architecture;
  const opened = (job.pieces.at(-1)?.payloads.slice(0, units) ?? []).map((payload) => payloadRows(payload, { positions: payload.length / (4 * hidden + 4), channels: hidden, ids: true }));
  const ids = Uint32Array.from(opened.flatMap((unit) => [...(unit?.ids ?? [])]));
  const rows = Float32Array.from(opened.flatMap((unit) => [...(unit?.rows ?? [])]));
  const offset = firstUnitOf(plan) * UNIT_POSITIONS;
  const all = new Uint32Array(offset + ids.length).fill(NO_ID);
  all.set(ids, offset);
  const tally = new SampledIdTally(all, { sampler: plan.sampler, promptTokens: plan.promptTokens, delta: deltaOf(network.table) });
  for (const position of tally.positions) tally.add(position, await network.head.logits(rows.slice((position - offset) * hidden, (position - offset + 1) * hidden)));
  return tally.result;
}
