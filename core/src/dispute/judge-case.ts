import { sha256 } from '@noble/hashes/sha2.js';
import * as v from 'valibot';
import { checkTranscript } from '../audit/check-transcript.ts';
import { checkUnit } from '../audit/check-unit.ts';
import { Problems } from '../audit/problem.ts';
import { deltaOf } from '../audit/sampled-id.ts';
import { SampledIdTally } from '../audit/sampled-id-tally.ts';
import { stageUnderAudit } from '../audit/stage-evidence.ts';
import { verdictOf } from '../audit/verdict.ts';
import { fromBase64, toHex } from '../bytes.ts';
import { payloadRows } from '../commitment/payload-rows.ts';
import { nodeIdOf, verifyJobRoot } from '../identity/identity.ts';
import { planBytes, planHashOf } from '../job/plan.ts';
import { stageShape } from '../model/architecture.ts';
import { modelIdOf } from '../model/model-id.ts';
import { calibrationOf } from '../model/parse-manifest.ts';
import { checkOf, differs, failed, notChecked, ok, reportOf, wrong } from '../evidence/report.ts';
import { SamplingError } from '../sampling/sampling-error.ts';
import { CaseFile } from './case-file.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { AuditedStage, StageEvidence } from '../audit/stage-evidence.ts';
import type { Verdict } from '../audit/transcript.ts';
import type { Check, Report, WrongElement } from '../evidence/report.ts';
import type { RecomputePort } from '../evidence/recompute.ts';
import type { ModelManifest } from '../model/manifest.ts';

/**
 * What an arbiter finds by itself (SPEC Q2). `guilty`: the accused signed cells that its own inputs do not give. `not guilty`: the file
 * does not bind it to that, or the stage computes to what it signed. `cannot tell`: no vote is due on it.
 */
export interface CaseJudgement {
  readonly finding: 'guilty' | 'not guilty' | 'cannot tell';
  /** One sentence. */
  readonly why: string;
  readonly report: Report;
  readonly file?: CaseFile;
}

export interface JudgePorts {
  readonly verifySignature: VerifySignature;
  /** Runs the model of this manifest by the judge's own means; undefined when it has none. Asked for only once everything else is in order. */
  readonly recompute?: (manifest: ModelManifest) => Promise<RecomputePort | undefined>;
}

/** Judges a case from its file alone and the judge's own run of the model. Never throws for what is in the file. */
export async function judgeCase(value: unknown, { verifySignature, recompute }: JudgePorts): Promise<CaseJudgement> {
  const parsed = v.safeParse(CaseFile, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return judged('cannot tell', 'this is no case file of this version', [failed('form', wrong(v.getDotPath(issue) ?? 'file', issue.expected ?? 'a case file', issue.received, issue.message))]);
  }
  const file = parsed.output;
  const checks: Check[] = [ok('form', `case against stage ${file.transcript.stage} of job ${file.transcript.job}`)];
  const evidence = stageEvidenceOf(file);
  const { transcript } = file;
  const bound = await boundTo(file, verifySignature);
  const problems = new Problems();
  const audited = bound === undefined ? stageUnderAudit(problems, evidence, transcript.units) : undefined;
  const [problem] = problems.found;
  checks.push(checkOf('binding', bound ?? (problem === undefined ? undefined : { ...problem, at: `units.${problem.at}` }), `worker ${transcript.worker.slice(0, 12)}… signed root ${file.root.root.slice(0, 14)}… over ${file.units.length} units`));
  if (audited === undefined || problem !== undefined) return judged('not guilty', 'nothing in the file binds the accused to what it is accused of', checks, file);

  const pieces = new Map<string, Uint8Array>();
  for (const [name, text] of Object.entries(file.pieces)) {
    const bytes = fromBase64(text);
    // One that is not what it is called is as one that is not there.
    if (toHex(sha256(bytes)) === name) pieces.set(name, bytes);
  }
  checks.push(await transcriptCheck(file, evidence, pieces, verifySignature));
  const missing = audited.units.find(({ unit }) => !pieces.has(unit.inputHash) || !pieces.has(unit.payloadHash));
  if (missing !== undefined) return judged('cannot tell', `inputs or outputs of unit ${missing.unit.unit} are not in the file`, [...checks, notChecked('own run', 'pieces are missing')], file);
  if (!fits(file, audited, pieces)) return judged('cannot tell', 'the inputs in the file are not those of all positions from 0 on', [...checks, notChecked('own run', 'inputs of another shape')], file);
  const port = await recompute?.(file.manifest);
  if (port === undefined) return judged('cannot tell', `the stage was not computed again: the model file ${file.manifest.file.name} is not at hand`, [...checks, notChecked('own run', 'no model file')], file);

  const verdict = await ownVerdict(file, audited, pieces, port);
  checks.push(ownRun(file, verdict));
  if (!verdict.passed) return judged('guilty', `computed again, the stage differs: ${verdict.first?.code} in unit ${verdict.first?.unit}`, checks, file);
  const claimed = transcript.opinions.flatMap((opinion) => opinion.verdict.first ?? [])[0]?.code;
  // Both rest on what other stages did, which is no part of the file.
  if (claimed === 'input-hash' || (claimed === 'sampled-id' && !audited.stage.last)) return judged('cannot tell', `its rows are right, and the accusation (${claimed}) rests on other stages`, checks, file);
  return judged('not guilty', 'computed again, the stage gives what the accused signed', checks, file);
}

/** The verifier's report verdict is `verified` for a case that stands. */
function judged(finding: CaseJudgement['finding'], why: string, checks: readonly Check[], file?: CaseFile): CaseJudgement {
  const outcome: Check = finding === 'guilty' ? ok('case', why) : finding === 'not guilty' ? failed('case', wrong('case', 'a case that stands', finding, why)) : notChecked('case', why);
  return { finding, why, report: reportOf([...checks, outcome]), ...(file === undefined ? {} : { file }) };
}

function stageEvidenceOf({ plan, transcript, manifest, units, root }: CaseFile): StageEvidence {
  return {
    plan: plan.signed.plan,
    stage: transcript.stage,
    coordinatorPublicKey: plan.coordinator_public_key,
    table: calibrationOf(manifest),
    units: units.map((unit, number) => ({ unit: number, from: unit.from, to: unit.to, inputHash: unit.input_sha256, payloadHash: unit.payload_sha256, canonHash: unit.canonical_sha256, hintHash: unit.hint_sha256, hints: fromBase64(unit.hints), salt: unit.salt ?? null })),
    root: root.root,
  };
}

/** Plan, model, worker and root belong to each other and are signed. */
async function boundTo({ plan: { signed, coordinator_public_key: key }, manifest, identity_public_key: identity, transcript, root, units }: CaseFile, verify: VerifySignature): Promise<WrongElement | undefined> {
  const { plan } = signed;
  const planned = plan.stages[transcript.stage];
  const element =
    differs('manifest', plan.modelId, modelIdOf(manifest), 'hash of the manifest against the model id of the signed plan') ??
    differs('transcript.job', plan.job, transcript.job, 'job of the plan') ??
    differs('transcript.worker', planned?.worker ?? 'none', transcript.worker, 'worker of the stage in the plan') ??
    differs('identity_public_key', transcript.worker, nodeIdOf(identity), 'the node id is the hash of the identity key') ??
    (transcript.units > units.length ? wrong('transcript.units', `at most ${units.length}`, transcript.units, 'units of the stage') : undefined);
  if (element !== undefined) return element;
  if (!(await verify(key, planBytes(plan), signed.signature))) return wrong('plan.signed.signature', 'the coordinator\'s signature of the plan', signed.signature, 'signature of the plan');
  const about = { network: plan.network, job: plan.job, planHash: planHashOf(plan), stage: transcript.stage, root: root.root };
  return verifyJobRoot(about, root.signature, identity) ? undefined : wrong('root.signature', `a signature of the root by ${transcript.worker}`, root.signature, 'signature of the root');
}

/** What the auditors said, made again. It decides nothing here: their rows are their word, the judge's own run is not. */
async function transcriptCheck(file: CaseFile, stage: StageEvidence, pieces: ReadonlyMap<string, Uint8Array>, verifySignature: VerifySignature): Promise<Check> {
  const name = 'transcript';
  const { problems: [problem], unchecked } = await checkTranscript(file.transcript, stage, { verifySignature, pieces, draw: null });
  if (problem !== undefined) return notChecked(name, `transcript.${problem.at} is ${problem.got} and should be ${problem.expected}; the own run decides`);
  return ok(name, `${file.transcript.outcome} by ${file.transcript.opinions.length} opinions, made again${unchecked.length === 0 ? '' : ' (not the draw, which is no part of the file)'}`);
}

/** Bytes of one position's input: an id, or a row. */
const inputBytes = ({ architecture: { hidden } }: ModelManifest, embeds: boolean): number => 4 * (embeds ? 1 : hidden);

/** One input a position, from position 0 on without a gap. */
function fits({ manifest, plan, transcript }: CaseFile, { units }: AuditedStage, pieces: ReadonlyMap<string, Uint8Array>): boolean {
  const stride = inputBytes(manifest, plan.signed.plan.stages[transcript.stage]?.layers[0] === 0);
  return units.every(({ unit }, index) => unit.from === (units[index - 1]?.unit.to ?? 0) && pieces.get(unit.inputHash)?.length === (unit.to - unit.from) * stride);
}

async function ownVerdict({ manifest, plan: { signed: { plan } }, transcript }: CaseFile, { stage, units }: AuditedStage, pieces: ReadonlyMap<string, Uint8Array>, port: RecomputePort): Promise<Verdict> {
  const { hidden, layers } = manifest.architecture;
  const [from, to] = plan.stages[transcript.stage]?.layers ?? [0, 0];
  const shape = stageShape({ from, to }, layers);
  const positions = units.at(-1)?.unit.to ?? 0;
  const inputs = new Uint8Array(positions * inputBytes(manifest, shape.embeds));
  for (const { unit } of units) inputs.set(pieces.get(unit.inputHash) ?? new Uint8Array(0), unit.from * inputBytes(manifest, shape.embeds));
  const rows = await port.rows(shape, shape.embeds ? new Uint32Array(inputs.buffer) : new Float32Array(inputs.buffer));
  const checks = units.map(({ unit, leaf }) => checkUnit({ ...unit, input: pieces.get(unit.inputHash) ?? new Uint8Array(0), payload: pieces.get(unit.payloadHash) ?? new Uint8Array(0), ...(leaf === undefined ? {} : { leaf }) }, rows.subarray(unit.from * hidden, unit.to * hidden), stage));
  return verdictOf(checks, stage.last ? await idsAgain(units.map(({ unit }) => ({ payload: pieces.get(unit.payloadHash) ?? new Uint8Array(0), positions: unit.to - unit.from })), plan, manifest, port) : null);
}

/** The last stage's ids against logits of its own committed rows (SPEC A7). */
async function idsAgain(units: readonly { readonly payload: Uint8Array; readonly positions: number }[], plan: StageEvidence['plan'], manifest: ModelManifest, port: RecomputePort) {
  const { hidden } = manifest.architecture;
  const opened = units.map(({ payload, positions }) => payloadRows(payload, { positions, channels: hidden, ids: true }));
  if (opened.includes(undefined)) return null; // its shape is a finding already
  const rows = opened.map((unit) => unit?.rows ?? new Float32Array(0));
  const ids = Uint32Array.from(opened.flatMap((unit) => [...(unit?.ids ?? [])]));
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  rows.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  const tally = new SampledIdTally(ids, { sampler: plan.sampler, promptTokens: plan.promptTokens, delta: deltaOf(calibrationOf(manifest)) });
  try {
    for (const position of tally.positions) tally.add(position, await port.logits(all.slice(position * hidden, (position + 1) * hidden)));
  } catch (error) {
    if (!(error instanceof SamplingError)) throw error;
    return null; // rows that are no numbers are a finding already
  }
  return tally.result;
}

function ownRun({ transcript }: CaseFile, { passed, first, worstOfTau }: Verdict): Check {
  const name = 'own run';
  if (passed) return ok(name, `${transcript.units} units computed again give what was signed (largest difference ${worstOfTau.toFixed(2)} of the tolerance)`);
  const where = first?.position === undefined ? '' : `, position ${first.position}${first.channel === undefined ? '' : `, channel ${first.channel}`}`;
  return ok(name, `differs: ${first?.code} in unit ${first?.unit}${where}: ${first?.got ?? 'another'} instead of ${first?.expected ?? 'the computed value'}`);
}
