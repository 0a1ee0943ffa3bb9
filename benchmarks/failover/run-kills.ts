import { eventsOfJob, evidenceOfAnswer, idsOfAnswer } from '../../tests/support/answer-jobs.ts';
import { browserStatus, isStandingBy } from '../../tests/support/browser-status.ts';
import { askAndDisturb } from '../../tests/support/lost-tab.ts';
import { answerOf } from '../../tests/support/network-question.ts';
import { changedTokens, covers, stallOf } from './outcome.ts';
import { QUESTIONS } from './questions.ts';
import type { Door } from '../../tests/support/network-question.ts';
import type { SeenTab, SeenTabs, VolunteerTabs } from '../../tests/support/volunteer-tabs.ts';
import type { Kill } from './kill-plan.ts';
import type { Outcome } from './outcome.ts';

/** Audits of one answer are over before the next is asked, if they take no longer than this: one thing is measured at a time. */
const SETTLED_TIMEOUT_MS = 15_000;

/** A network whose tabs are lost, and how it is to be before each answer. */
export interface KillSite {
  readonly door: Door;
  readonly tabs: VolunteerTabs;
  readonly stages: number;
  readonly spares: number;
  /** Ids of each question's undisturbed answer. */
  readonly references: readonly (readonly number[])[];
  readonly signal: AbortSignal;
}

/** Ids of every question, answered by a ring that loses nobody. */
export async function undisturbed(door: Door, signal: AbortSignal): Promise<readonly (readonly number[])[]> {
  const references: number[][] = [];
  for (const [index, question] of QUESTIONS.entries()) {
    const { evidence } = await answerOf(door, { ...question, signal });
    if (evidence.token_ids.length < question.maxTokens) throw new Error(`question ${index} is answered in ${evidence.token_ids.length} tokens, not ${question.maxTokens}: too short to lose a tab in its middle`);
    references.push(evidence.token_ids);
  }
  return references;
}

/** Asks, takes the tab away, compares, and puts a new tab in its place. Undefined when the answer was over before it was hit. */
export async function runKill(site: KillSite, kill: Kill): Promise<Outcome | undefined> {
  const { door, tabs, stages, spares, signal } = site;
  const question = QUESTIONS[kill.question];
  const reference = site.references[kill.question];
  const seen = await tabs.ready(stages, spares);
  const lost = seen.ring[kill.stage];
  if (question === undefined || reference === undefined || lost === undefined) throw new Error(`no question ${kill.question} or no stage ${kill.stage}`);
  let warm = false;
  const disturbed = await askAndDisturb(door, { ...question, signal }, kill.piece, async () => {
    warm = await standsBy(seen, lost);
    await tabs.lose(lost.tab, kill.death);
  });
  const { answer, times, disturbedAt, movingAt } = disturbed;
  if (disturbedAt === undefined) throw new Error(`question ${kill.question} was answered in ${times.length} pieces, before piece ${kill.piece}`);
  const jobs = answer.ok ? await evidenceOfAnswer(door, answer.job) : [];
  await tabs.clear();
  await tabs.open();
  for (const { job } of jobs) await settled(door, job);
  if (answer.ok && jobs.length === 1) return undefined;
  return {
    stages,
    kill,
    drawn: question.sampling !== undefined,
    warm,
    stallMs: stallOf(times, disturbedAt),
    movingMs: movingAt === undefined ? undefined : movingAt - disturbedAt,
    lost: answer.ok ? undefined : `${answer.error.code ?? answer.error.type}: ${answer.error.message}`,
    changedTokens: answer.ok ? changedTokens(reference, idsOfAnswer(jobs)) : 0,
  };
}

/** Asked of the spares at the moment of the loss: one may be busy with somebody's audit, or gone. */
async function standsBy({ spares }: SeenTabs, { status: { layers } }: SeenTab): Promise<boolean> {
  const statuses = await Promise.all(spares.map(({ tab }) => browserStatus(tab.page)));
  return layers !== null && covers(statuses.filter(isStandingBy).map(({ standby }) => standby), layers);
}

async function settled(door: Door, job: string): Promise<void> {
  const limit = AbortSignal.timeout(SETTLED_TIMEOUT_MS);
  await eventsOfJob(door, job, 'settled', limit).catch((error: unknown) => {
    if (!limit.aborted) throw error;
  });
}
