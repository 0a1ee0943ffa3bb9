/** Auditors who do not audit, and evidence that was changed afterwards: what core's own checks of a transcript say. */
import { checkLeaf } from '@ciro/core/audit/check-leaf.ts';
import { checkTranscript } from '@ciro/core/audit/check-transcript.ts';
import { isRechecked, RECHECK_RATE } from '@ciro/core/audit/audit-draw.ts';
import { misjudgedBy, nextOpinion, outcomeOf } from '@ciro/core/audit/quorum.ts';
import { merklePath, merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { receiptBytes } from '@ciro/core/receipt/receipt.ts';
import { isTooEqual } from '@ciro/signaling/audit/too-equal.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { evidenceOf, jobFrame, newParty, opinionOf, piecesOf, stageJob, transcriptOf } from '../../../tests/support/cheats/audited-job.ts';
import { hex } from '../../../tests/support/cheats/committed-unit.ts';
import { randomRows, zeroRows } from '../../../tests/support/cheats/tampered-rows.ts';
import { placesOf, UNITS_OF_PROMPT } from './audited-stage.ts';
import { ATTACK_SEED } from './compute-attacks.ts';
import { Tally } from './tally.ts';
import type { Opinion, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { JobFrame, Party, StageJob } from '../../../tests/support/cheats/audited-job.ts';
import type { AuditedStage, UnitPlace } from './audited-stage.ts';
import type { AttackRow } from './tally.ts';

/** One audited stage-job: four units of one prompt, and who is at hand to look at them. */
interface Scene {
  readonly at: AuditedStage;
  readonly places: readonly UnitPlace[];
  readonly job: StageJob;
  readonly honest: readonly Float32Array[];
  readonly bad: Party;
  readonly good: Party;
}

/** What shows the cheat in one scene; null: nothing does. */
type AuditorAttack = readonly [name: string, show: (scene: Scene) => Promise<string | null>, about?: { readonly note: string; readonly inBar?: boolean }];

const problemOf = async ({ job }: Scene, transcript: Transcript, rows: readonly (readonly Float32Array[])[]): Promise<string | null> => {
  const { problems } = await checkTranscript(transcript, evidenceOf(job), { verifySignature, pieces: piecesOf(job, rows), draw: null });
  return problems[0]?.at.replace(/\d+/g, 'n') ?? null;
};

/** A lazy auditor fails honest work; the others pass it, and it alone loses. */
const lazy = (rowsOf: (scene: Scene) => readonly Float32Array[]) => async (scene: Scene): Promise<string | null> => {
  const { job, bad, good, honest } = scene;
  const opinions = [await opinionOf(job, { auditor: bad, rows: rowsOf(scene) }), await opinionOf(job, { auditor: good, rows: honest }), await opinionOf(job, { auditor: 'coordinator', rows: honest })];
  if (outcomeOf(opinions) === 'failed') return null;
  return misjudgedBy(opinions).includes(bad.node) ? 'misjudged: quorum' : null;
};

const zeros = ({ at, places }: Scene): Float32Array[] => places.map((place) => zeroRows(at.seenByCheat(place)));
const randoms = ({ at, places }: Scene): Float32Array[] => places.map((place) => randomRows(ATTACK_SEED)(at.seenByCheat(place)));

/** A transcript whose bad opinion was bent after it was made. */
const bent = (rowsOf: (scene: Scene) => readonly Float32Array[], bend: (opinion: Opinion, scene: Scene) => Opinion) => async (scene: Scene): Promise<string | null> => {
  const rows = rowsOf(scene);
  const opinion = bend(await opinionOf(scene.job, { auditor: scene.bad, rows }), scene);
  return problemOf(scene, transcriptOf(scene.job, [opinion], 'passed'), [rows, scene.honest]);
};

/** A cheat and an auditor that says the same. Opinions are asked for as the desk does: by the quorum's rule and the draw that checks auditors. */
async function rechecked(scene: Scene): Promise<string | null> {
  const { at, places, bad, good, honest } = scene;
  const rows = randoms(scene);
  const job = stageJob(await frameOf(at), at.stage.index, places.map((place, index) => at.commit(place, rows[index] ?? new Float32Array())));
  const drawn = isRechecked(job.planHash, job.stage);
  const opinions: Opinion[] = [];
  for (let next = nextOpinion(opinions, drawn); next !== null; next = nextOpinion(opinions, drawn)) {
    const auditor = next === 'reference' ? 'coordinator' : opinions.length === 0 ? bad : good;
    opinions.push(await opinionOf(job, { auditor, rows: auditor === bad ? rows : honest }));
  }
  return outcomeOf(opinions) === 'failed' && misjudgedBy(opinions).includes(bad.node) ? 'recheck' : null;
}

/** The desk's own test, on the worker's rows as they come from an auditor that says to be of the other class. */
async function copied({ job, honest }: Scene): Promise<string | null> {
  const pieces = (all: readonly Uint8Array[]) => all.map((bytes) => ({ sha256: hex(bytes) as HexHash, bytes: Uint8Array.from(bytes) }));
  const rows = pieces(honest.map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength)));
  return isTooEqual(rows, pieces(job.units.map(({ payload }) => payload)), { channels: job.under.table.hidden, ids: job.under.last }) ? 'too equal' : null;
}

const PASSED: Opinion['verdict'] = { passed: true, first: null, worstOfTau: 0, meanOfTau: 0 };

const ATTACKS: readonly AuditorAttack[] = [
  ['lazy auditor: zero rows', lazy(zeros)],
  ['lazy auditor: random rows of the right scales', lazy(randoms)],
  ['bribed auditor: says pass whatever its rows are', bent(randoms, (opinion) => ({ ...opinion, verdict: PASSED }))],
  ["bribed auditor: opens the worker's rows after it saw them", bent(randoms, (opinion, scene) => ({ ...opinion, rows: scene.places.map((place) => hashOfRows(scene, place)), verdict: PASSED }))],
  ['bribed auditor: answers twice', async (scene) => {
    const twice = [await opinionOf(scene.job, { auditor: scene.bad, rows: randoms(scene) }), await opinionOf(scene.job, { auditor: scene.bad, rows: scene.honest })];
    return problemOf(scene, transcriptOf(scene.job, twice, 'unpaid'), [randoms(scene), scene.honest]);
  }],
  ["bribed auditor: repeats the worker's rows, says it is another engine class", copied, { note: 'refused by the desk as a copy: no two engine classes agree in every bit, see the honest pairs' }],
  ["bribed auditor: repeats the cheat's rows, same engine class", rechecked, { note: `not caught by its own opinion: honest WASM is bit-equal, too; the reference run checks auditors at ${100 * RECHECK_RATE} %, by the beacon`, inBar: false }],
  ['forged opinion: signed by another key', bent(({ honest }) => honest, (opinion, { good }) => ({ ...opinion, devicePublicKey: good.device.publicKey }))],
  ['forged outcome: a fail that nobody found', async (scene) => problemOf(scene, transcriptOf(scene.job, [await opinionOf(scene.job, { auditor: scene.good, rows: scene.honest })], 'failed'), [scene.honest])],
  ['copied leaf', async ({ job, at, good }) => {
    const theirs = stageJob({ ...(await frameOf(at)), workers: [good, good, good] }, job.stage, job.units);
    const leaves = job.leaves.map((leaf, index) => (index === 0 ? (theirs.leaves[0] ?? leaf) : leaf));
    return leafFinding(job, leaves);
  }],
  ['forged receipt: another key', async (scene) => forgedReceipt(scene, scene.bad, (body) => body)],
  ['forged receipt: more positions than were signed', async (scene) => forgedReceipt(scene, scene.job.worker, (body) => ({ ...body, to: body.to + 1 }))],
];

/** One line an attack; `units` units each, four a job. */
export async function auditorAttackRows(at: AuditedStage, units: number, prompts: number, signal: AbortSignal): Promise<AttackRow[]> {
  const frame = await frameOf(at);
  const [bad, good] = [await newParty(), await newParty()];
  const jobs = Math.max(1, Math.floor(units / UNITS_OF_PROMPT));
  const tallies = ATTACKS.map(() => new Tally());
  for (let prompt = 0; prompt < Math.min(jobs, prompts); prompt++) {
    const places = placesOf(UNITS_OF_PROMPT, 1).map(({ unit }) => ({ prompt, unit }));
    const honest = places.map((place) => at.rows(place).slice());
    const scene: Scene = { at, places, job: stageJob(frame, at.stage.index, places.map((place) => at.commit(place, at.rows(place)))), honest, bad, good };
    for (const [index, [, show]] of ATTACKS.entries()) {
      signal.throwIfAborted();
      const shown = await show(scene);
      for (let unit = 0; unit < UNITS_OF_PROMPT; unit++) tallies[index]?.add(shown);
    }
  }
  return ATTACKS.map(([name, , about], index) => (tallies[index] ?? new Tally()).row(at.model.key, name, at.stage.name, about));
}

const frames = new WeakMap<AuditedStage, Promise<JobFrame>>();
function frameOf(at: AuditedStage): Promise<JobFrame> {
  const frame = frames.get(at) ?? jobFrame({ table: at.under.table, layers: at.model.manifest.architecture.layers, modelId: at.model.id });
  frames.set(at, frame);
  return frame;
}

function hashOfRows({ at }: Scene, place: UnitPlace): HexHash {
  return at.commit(place, at.rows(place)).payloadHash as HexHash;
}

/** The worker posts a root over these leaves; its first unit is opened against it. */
function leafFinding({ plan, planHash, stage, worker, units, salts }: StageJob, leaves: readonly string[]): string | null {
  const [unit] = units;
  if (unit === undefined) return null;
  const context = { network: plan.network, worker: worker.node, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision };
  const path = merklePath(leaves, 0);
  const root = merkleRoot(leaves);
  return checkLeaf({ ...unit }, { context, salt: salts[0] ?? '', index: 0, under: { root, path } })?.code ?? null;
}

/** A receipt that a worker, a neighbour or anybody else made up: it counts only if the stage's key signed these words. */
async function forgedReceipt({ job }: Scene, signer: Party, change: (body: Parameters<typeof receiptBytes>[0]) => Parameters<typeof receiptBytes>[0]): Promise<string | null> {
  const [unit] = job.units;
  if (unit === undefined) return null;
  const body = { network: job.plan.network, job: job.plan.job, planHash: job.planHash, stage: job.stage, worker: job.worker.node, unit: unit.unit, from: unit.from, to: unit.to, inputHash: unit.inputHash as HexHash, payloadHash: unit.payloadHash as HexHash, linkHash: unit.payloadHash as HexHash };
  const signature = await signer.device.sign(receiptBytes(body));
  return (await verifySignature(job.worker.device.publicKey, receiptBytes(change(body)), signature)) ? null : 'receipt signature';
}
