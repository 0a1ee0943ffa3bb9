import { sha256 } from '@noble/hashes/sha2.js';
import { checkDraw } from '../audit/check-draw.ts';
import { checkTranscript } from '../audit/check-transcript.ts';
import { fromBase64, toHex } from '../bytes.ts';
import { calibrationOf } from '../model/parse-manifest.ts';
import { isLost } from './job-facts.ts';
import { checkOf, differs, failed, notChecked, ok, wrong } from './report.ts';
import type { AuditProblem, VerifySignature } from '../audit/problem.ts';
import type { Transcript } from '../audit/transcript.ts';
import type { StageEvidence } from '../audit/stage-evidence.ts';
import type { EvidenceStage } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

const under = (path: string, { at, expected, got, why }: AuditProblem): WrongElement => ({ at: `${path}.${at}`, expected, got, why });

/** The draw follows from the plan, the roots and the opened nonces, and looks in full where it must (SPEC A1, A2). */
export async function checkDrawOf(facts: JobFacts, verify: VerifySignature): Promise<Check> {
  const { evidence, plan } = facts;
  const { draw, stages } = evidence;
  const name = 'audit draw';
  const nonce = differs('draw.coordinator', evidence.plan.coordinator_nonce, draw?.coordinator ?? evidence.plan.coordinator_nonce, 'the coordinator\'s nonce');
  if (draw === null) return notChecked(name, 'the draw was not made yet; ask for the evidence again');
  const [problem] = await checkDraw(draw, { plan, roots: stages.map(({ root }) => root?.root ?? null), units: stages.map(({ units }) => units.length) }, verify);
  const element = (problem === undefined ? undefined : under('draw', problem)) ?? nonce ?? fullOf(facts);
  const drawn = draw.stages.filter(({ units }) => units > 0).length;
  const nonces = draw.workers.filter((opened) => opened !== null).length;
  const requester = plan.nonces.requester === null ? 'the client gave none' : draw.requester === null ? 'the client did not open its own' : 'the client opened its own';
  return checkOf(name, element, `${drawn} of ${stages.length} stages drawn; ${nonces} workers opened their nonces, ${requester}`);
}

/** Every stage of a `checked` job, and no other for that reason. */
function fullOf({ evidence: { draw, assurance } }: JobFacts): WrongElement | undefined {
  for (const [index, stage] of (draw?.stages ?? []).entries()) {
    if (assurance === 'checked' && (stage.reason === null || stage.reason === 'drawn')) return wrong(`draw.stages[${index}].reason`, 'a reason to look at every unit', stage.reason, 'the answer was to be checked');
    if (assurance === 'stream' && stage.reason === 'checked') return wrong(`draw.stages[${index}].reason`, 'another reason', stage.reason, 'the assurance is stream');
  }
  return undefined;
}

/** Transcripts follow from the plan, the draw and the pieces, and each stage has the status that they give it (SPEC A3 to A8). */
export async function checkAudits(facts: JobFacts, verify: VerifySignature): Promise<Check[]> {
  const { evidence } = facts;
  const pieces = piecesOf(evidence.pieces);
  if ('wrong' in pieces) return [failed('audit pieces', pieces.wrong)];
  const checks: Check[] = [];
  const seen = new Set<number>();
  for (const [index, transcript] of evidence.audits.entries()) {
    const at = `audits[${index}]`;
    const name = `audit of stage ${transcript.stage}`;
    const stage = evidence.stages[transcript.stage];
    if (stage === undefined || seen.has(transcript.stage)) {
      checks.push(failed(name, wrong(`${at}.stage`, 'a stage that has no transcript yet', transcript.stage, 'one transcript a stage')));
      continue;
    }
    seen.add(transcript.stage);
    const { problems, unchecked } = await checkTranscript(transcript, stageOf(facts, stage, transcript.stage), { verifySignature: verify, pieces: pieces.bytes, draw: evidence.draw });
    const [problem] = problems;
    const counted = problem === undefined ? idsOf(facts, transcript, at) : undefined;
    if (problem !== undefined) checks.push(failed(name, under(at, problem)));
    else if (counted !== undefined) checks.push(failed(name, counted));
    else if (unchecked.length > 0) checks.push(notChecked(name, `${unchecked.join('; ')}${evidence.pieces === undefined ? ' (pieces are deleted after 24 h; until then, ask for the evidence with ?pieces=1)' : ''}`));
    else checks.push(ok(name, `${transcript.outcome}: ${wordsOf(transcript)}`));
  }
  checks.push(statusOf(facts));
  return checks;
}

function wordsOf({ opinions, units, note }: Transcript): string {
  if (opinions.length === 0) return note === '' ? 'nobody looked at it' : note;
  return `${opinions.map(({ auditor, engine, verdict }) => `${auditor.slice(0, 12)} (${engine}) ${verdict.passed ? 'passes' : 'fails'}`).join(', ')} ${units} units; verdicts made again from the pieces`;
}

/** Auditors of the last stage looked at every id that the audited units give, and name the ones of the answer. */
function idsOf({ evidence, plan, ids }: JobFacts, { stage, units, opinions }: Transcript, at: string): WrongElement | undefined {
  const to = evidence.stages[stage]?.units[units - 1]?.to ?? 0;
  for (const [index, { ids: counted }] of opinions.entries()) {
    if (counted === null) continue;
    const element =
      differs(`${at}.opinions[${index}].ids.checked`, Math.max(0, to - plan.promptTokens + 1), counted.checked, 'ids that the audited units give') ??
      counted.wrong.map(({ position, id }, number) => differs(`${at}.opinions[${index}].ids.wrong[${number}].id`, ids[position + 1] ?? 'none', id, `id that follows position ${position}`)).find((each) => each !== undefined);
    if (element !== undefined) return element;
  }
  return undefined;
}

/** Whether the answer stands after its audits: no stage failed, and in a `checked` answer none is undecided. */
export function checkOutcome(facts: JobFacts): Check {
  const name = 'audit outcome';
  const { evidence } = facts;
  const { stages, audits, assurance } = evidence;
  for (const [index, { audit_status: status }] of stages.entries()) {
    if (status !== 'failed' && !(status === 'unpaid' && assurance === 'checked')) continue;
    const transcript = audits.find(({ stage }) => stage === index);
    const first = transcript?.opinions.find(({ verdict }) => verdict.first !== null)?.verdict.first;
    const found = first === undefined || first === null ? (transcript?.note ?? '') : `${first.code} in unit ${first.unit}${first.position === undefined ? '' : ` at position ${first.position}`}${first.channel === undefined ? '' : `, channel ${first.channel}`}`;
    return failed(name, wrong(`stages[${index}].audit_status`, 'passed or passed by', `${status}: ${found}`, evidence.corrected_by === null ? 'the stage did not stand its audit' : `the stage did not stand its audit; job ${evidence.corrected_by} does the answer again`));
  }
  const open = stages.flatMap(({ audit_status: status }, index) => (status === 'pending' || status === 'unpaid' ? [`stage ${index} is ${status === 'pending' ? status : isLost(facts, index) ? 'gone' : 'undecided'}`] : []));
  return open.length > 0 ? notChecked(name, open.join(', ')) : ok(name, stages.map(({ audit_status: status }, index) => `stage ${index} ${status}`).join(', '));
}

function statusOf(facts: JobFacts): Check {
  const { evidence } = facts;
  const { stages } = evidence;
  let element: WrongElement | undefined;
  for (const [index, { audit_status: status }] of stages.entries()) element ??= differs(`stages[${index}].audit_status`, expectedOf(facts, index), status, 'what draw and transcript say');
  element ??= evidence.corrected_by !== null && stages.every(({ audit_status: status }) => status !== 'failed' && status !== 'unpaid') ? wrong('corrected_by', 'null', evidence.corrected_by, 'no stage failed, so there is nothing to correct') : undefined;
  return checkOf('audit status', element, 'as draw and transcripts say');
}

/** What nobody committed to, or is bound to, is unpaid. */
function expectedOf(facts: JobFacts, index: number): EvidenceStage['audit_status'] {
  const { draw, audits, stages } = facts.evidence;
  const drawn = draw?.stages[index];
  if (drawn === undefined) return 'pending';
  if (stages[index]?.units.length === 0) return 'unpaid';
  const outcome = audits.find(({ stage }) => stage === index)?.outcome;
  if (isLost(facts, index)) return outcome === undefined ? 'pending' : 'unpaid';
  return drawn.units === 0 ? 'passed by' : (outcome ?? 'pending');
}

function stageOf({ evidence, plan, firstUnit }: JobFacts, stage: EvidenceStage, index: number): StageEvidence {
  return {
    plan,
    stage: index,
    coordinatorPublicKey: evidence.plan.coordinator_public_key,
    table: calibrationOf(evidence.manifest),
    units: stage.units.map((unit, number) => ({
      unit: firstUnit + number,
      from: unit.from,
      to: unit.to,
      inputHash: unit.input_sha256,
      payloadHash: unit.payload_sha256,
      canonHash: unit.canonical_sha256,
      hintHash: unit.hint_sha256,
      hints: fromBase64(unit.hints),
      salt: unit.salt ?? null,
    })),
    root: stage.root?.root ?? null,
  };
}

/** Pieces by hash, each of which must be what it is called. */
function piecesOf(pieces: JobFacts['evidence']['pieces']): { readonly bytes: ReadonlyMap<string, Uint8Array> } | { readonly wrong: WrongElement } {
  const bytes = new Map<string, Uint8Array>();
  for (const [name, text] of Object.entries(pieces ?? {})) {
    const piece = fromBase64(text);
    const element = differs(`pieces.${name}`, name, toHex(sha256(piece)), 'a piece is named by its hash');
    if (element !== undefined) return { wrong: element };
    bytes.set(name, piece);
  }
  return { bytes };
}
