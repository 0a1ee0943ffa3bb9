import * as v from 'valibot';
import { planHashOf } from '../job/plan.ts';
import { auditorOrder } from './auditor-draw.ts';
import { checkOpinion } from './check-opinion.ts';
import { outcomeOf } from './quorum.ts';
import { Problems } from './problem.ts';
import { stageUnderAudit } from './stage-evidence.ts';
import { Transcript } from './transcript.ts';
import type { NodeId } from '../ids.ts';
import type { AuditProblem, VerifySignature } from './problem.ts';
import type { StageEvidence } from './stage-evidence.ts';
import type { AuditDraw } from './transcript.ts';

/** `unchecked`: what could not be looked at, and why; nothing in it is known to be wrong. */
export interface TranscriptCheck {
  readonly problems: readonly AuditProblem[];
  readonly unchecked: readonly string[];
}

export interface TranscriptSources {
  readonly verifySignature: VerifySignature;
  /** Inputs, payloads and auditors' rows by SHA-256. Whatever is missing is named as unchecked. */
  readonly pieces: ReadonlyMap<string, Uint8Array>;
  /** Draw of the job, checked by `checkDraw`; null when it is not at hand. */
  readonly draw: AuditDraw | null;
}

/** Largest weight there is (SPEC A3). */
const MAX_WEIGHT = 31;

/**
 * Makes a transcript again from the signed plan, the stage's committed units and the pieces: who could audit and was drawn, every
 * opinion's commitment, signature and verdict, and the outcome (SPEC A2 to A6, A8). Two things stay somebody's word: ids are as
 * the auditors give them, as their logits take the model to make again; and who was connected, and so a candidate, is as the
 * coordinator says. Never throws for what is in the transcript, the units or the pieces.
 */
export async function checkTranscript(value: unknown, stage: StageEvidence, { verifySignature, pieces, draw }: TranscriptSources): Promise<TranscriptCheck> {
  const problems = new Problems();
  const unchecked: string[] = [];
  const parsed = v.safeParse(Transcript, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    problems.demand(false, v.getDotPath(issue) ?? 'transcript', 'a transcript', 'something else', issue.message.slice(0, 160));
    return { problems: problems.found, unchecked };
  }
  const transcript = parsed.output;
  const { plan } = stage;
  const planned = plan.stages[transcript.stage];
  const placed = [
    problems.compare('network', plan.network, transcript.network, 'network of the plan'),
    problems.compare('job', plan.job, transcript.job, 'job of the plan'),
    problems.compare('planHash', planHashOf(plan), transcript.planHash, 'hash of the plan'),
    problems.compare('stage', stage.stage, transcript.stage, 'stage that is looked at'),
    problems.compare('worker', planned?.worker ?? 'none', transcript.worker, 'worker of the stage'),
    problems.demand(transcript.units <= stage.units.length, 'units', `at most ${stage.units.length}`, transcript.units, 'units of the stage'),
  ];
  if (placed.includes(false)) return { problems: problems.found, unchecked };

  if (draw === null) unchecked.push('beacon, reason and cut: the draw is not at hand');
  else checkAgainstDraw(problems, transcript, draw);
  checkCandidates(problems, unchecked, transcript, plan.stages.map(({ worker }) => worker));
  // Work without a root is unpaid as it is: there is nothing to open (SPEC A2).
  const audited = stage.root === null ? undefined : stageUnderAudit(problems, stage, transcript.units);
  if (stage.root === null) problems.demand(transcript.opinions.length === 0, 'opinions', 'none', transcript.opinions.length, 'the stage posted no root');
  const openings = new Set<string>();
  for (const [index, opinion] of transcript.opinions.entries()) {
    problems.demand(!openings.has(opinion.auditor), `opinions[${index}].auditor`, 'one opinion an auditor', opinion.auditor, 'a second answer changes nothing');
    openings.add(opinion.auditor);
    await checkOpinion(problems, unchecked, { transcript, index, opinion, audited, pieces, verifySignature, coordinatorPublicKey: stage.coordinatorPublicKey });
  }
  const outcome = outcomeOf(transcript.opinions);
  // Without a quorum the work is unpaid, and nobody is convicted.
  problems.compare('outcome', outcome === 'undecided' ? 'unpaid' : outcome, transcript.outcome, `${transcript.opinions.length} opinions`);
  return { problems: problems.found, unchecked };
}

function checkAgainstDraw(problems: Problems, { beacon, stage, units, reason }: Transcript, draw: AuditDraw): void {
  const drawn = draw.stages[stage];
  problems.compare('beacon', draw.beacon, beacon, 'beacon of the draw');
  problems.compare('units', drawn?.units ?? 0, units, 'cut of the draw');
  problems.compare('reason', drawn?.reason ?? null, reason, 'reason of the draw');
}

/** Who is on the list, and that each independent auditor was drawn from it. */
function checkCandidates(problems: Problems, unchecked: string[], { candidates, opinions, beacon, stage }: Transcript, parties: readonly NodeId[]): void {
  candidates.forEach(({ worker, weight }, index) => {
    const before = candidates[index - 1]?.worker;
    problems.demand(before === undefined || before < worker, `candidates[${index}].worker`, 'rising node ids', worker, 'order of the list');
    problems.demand(!parties.includes(worker), `candidates[${index}].worker`, 'no party of the job', worker, 'who may audit');
    problems.demand(Number.isInteger(weight) && weight >= 1 && weight <= MAX_WEIGHT, `candidates[${index}].weight`, `1 to ${MAX_WEIGHT}`, weight, 'weights by age');
  });
  const order: string[] = auditorOrder(candidates, beacon, stage);
  const auditors = opinions.map(({ auditor }) => auditor);
  auditors.forEach((auditor, index) => {
    if (auditor === 'coordinator') return;
    const place = order.indexOf(auditor);
    if (!problems.demand(place >= 0, `opinions[${index}].auditor`, 'one of the candidates', auditor, 'auditors are drawn')) return;
    // Candidates may refuse, be busy or be of the wrong engine class; that is not part of the transcript.
    const silent = order.slice(0, place).filter((worker) => !auditors.slice(0, index).includes(worker as NodeId));
    if (silent.length > 0) unchecked.push(`opinions[${index}]: ${silent.length} candidates drawn before ${auditor} gave no opinion; why is not recorded`);
  });
}
