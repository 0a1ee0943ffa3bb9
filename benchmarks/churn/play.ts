import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceOfAnswer, idsOfAnswer } from '../../tests/support/answer-jobs.ts';
import { browserInState } from '../../tests/support/browser-status.ts';
import { askNetwork } from '../../tests/support/network-question.ts';
import { changedTokens } from '../failover/outcome.ts';
import { QUESTIONS } from '../failover/questions.ts';
import { Coverage } from './coverage.ts';
import { longestGap } from './outcome.ts';
import type { Door } from '../../tests/support/network-question.ts';
import type { TabDeath, VolunteerTab } from '../../tests/support/tab-death.ts';
import type { VolunteerTabs } from '../../tests/support/volunteer-tabs.ts';
import type { Asked } from './outcome.ts';
import type { ChurnEvent, Departure } from './trace.ts';

/** How each departure is done to a real tab. */
const DEATHS: Readonly<Record<Departure, TabDeath>> = { leave: 'closed', crash: 'crashed', freeze: 'frozen' };
/** States in which the coordinator may place a tab: it has been measured. */
const MEASURED = ['waiting', 'loading', 'ready', 'serving'] as const;
/** What a stream says while layers move. */
const MOVING = 'moving layers';
/** Between a question that nobody could answer and the next one. */
const AFTER_LOSS_MS = 1_000;

export interface Stage {
  /** Who asks: a new key for each question, so that credits are no limit. */
  readonly openDoor: () => Promise<Door>;
  readonly tabs: VolunteerTabs;
  /** Tabs that are here, the one that came first at the front. */
  readonly here: readonly VolunteerTab[];
  /** Ids of each question's undisturbed answer. */
  readonly references: readonly (readonly number[])[];
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Plays a trace against real tabs, and asks one question after the other meanwhile; `milliseconds` long, and until the last answer has ended. */
export async function play(stage: Stage, trace: readonly ChurnEvent[], milliseconds: number): Promise<{ readonly asked: readonly Asked[]; readonly here: readonly VolunteerTab[]; readonly seconds: number; readonly departures: number; readonly joins: number }> {
  const { tabs, signal, tell } = stage;
  const coverage = new Coverage();
  const begun = performance.now();
  const measured = new Set<VolunteerTab>(stage.here);
  const leaving = new Map<VolunteerTab, () => void>();
  for (const _ of stage.here) coverage.came(begun);
  let here = stage.here;
  const [counted, arriving] = [{ departures: 0, joins: 0 }, [] as Promise<void>[]];

  const join = async (): Promise<void> => {
    const tab = await tabs.open();
    here = [...here, tab];
    counted.joins++;
    const lost = Promise.withResolvers<void>();
    leaving.set(tab, lost.resolve);
    // A frozen page would never answer.
    await Promise.race([browserInState(tab.page, ...MEASURED), lost.promise]);
    if (!here.includes(tab)) return;
    measured.add(tab);
    coverage.came(performance.now());
  };
  const depart = async (death: TabDeath, which: number): Promise<void> => {
    const tab = here[Math.floor(which * here.length)];
    if (tab === undefined) return;
    here = here.filter((each) => each !== tab);
    counted.departures++;
    if (measured.delete(tab)) coverage.went(performance.now());
    leaving.get(tab)?.();
    await tabs.lose(tab, death);
  };
  const happen = async (): Promise<void> => {
    for (const event of trace) {
      await sleep(Math.max(0, begun + event.at - performance.now()), undefined, { signal });
      tell(`${event.what}, ${here.length} tabs here, ${coverage.tabs} measured`);
      // A tab takes seconds to open; what happens meanwhile happens. One that is lost before it was measured is no error.
      if (event.what === 'join') arriving.push(join().catch((error: unknown) => tell(`a tab did not arrive: ${String(error).slice(0, 200)}`)));
      else await depart(DEATHS[event.what], event.which);
    }
  };

  const asking: Promise<Asked>[] = [];
  const ask = async (): Promise<void> => {
    for (let number = 0; performance.now() < begun + milliseconds; number++) {
      signal.throwIfAborted();
      const { answered, compared } = await askOne(stage, number % QUESTIONS.length, coverage);
      // Its evidence comes when the roots of all its jobs are in; the next question does not wait for that.
      const told = compared.then((one) => {
        tell(`question ${one.question}: ${one.tokens} tokens, ${one.moves} moves, longest wait ${one.stallMs?.toFixed(0) ?? '–'} ms, ${one.changedTokens} changed${one.lost === undefined ? '' : `, NO ANSWER with at least ${one.leastTabs} tabs: ${one.lost}`}`);
        return one;
      });
      // Looked at when the last one has ended.
      told.catch(() => undefined);
      asking.push(told);
      if (!answered) await sleep(AFTER_LOSS_MS, undefined, { signal });
    }
  };
  await Promise.all([happen(), ask()]);
  const seconds = (performance.now() - begun) / 1_000;
  const asked = await Promise.all(asking);
  await Promise.all(arriving);
  await tabs.clear();
  return { asked, here, seconds, ...counted };
}

async function askOne({ openDoor, references, signal }: Stage, question: number, coverage: Coverage): Promise<{ readonly answered: boolean; readonly compared: Promise<Asked> }> {
  const wish = QUESTIONS[question];
  if (wish === undefined) throw new Error(`there is no question ${question}`);
  const door = await openDoor();
  const from = performance.now();
  const times: number[] = [];
  let moves = 0;
  const answer = await askNetwork(door, { ...wish, signal, onText: () => void times.push(performance.now()), onComment: (comment) => void (comment.trim() === MOVING && moves++) });
  const leastTabs = coverage.least(from, performance.now());
  const common = { question, stallMs: longestGap(times), moves, leastTabs };
  if (!answer.ok) return { answered: false, compared: Promise.resolve({ ...common, tokens: times.length, changedTokens: 0, lost: `${answer.error.code ?? answer.error.type}: ${answer.error.message}` }) };
  const compare = async (): Promise<Asked> => {
    const ids = idsOfAnswer(await evidenceOfAnswer(door, answer.job));
    return { ...common, tokens: ids.length, changedTokens: changedTokens(references[question] ?? [], ids), lost: undefined };
  };
  return { answered: true, compared: compare() };
}
