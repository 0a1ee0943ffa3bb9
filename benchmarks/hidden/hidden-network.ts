import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { startCoordinatorProcess } from '../network/coordinator-process.ts';
import { TrialDoors } from '../network/open-trial.ts';
import { RawBrowser } from './devtools.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { NetworkQuestion } from '../../tests/support/network-question.ts';
import type { Parts } from '../network/bench-network.ts';

const STAGES = 3;
/** A page that was shown or hidden is told within a frame; a browser that is busy needs longer. */
const TURN_TIMEOUT_MS = 10_000;
/** Timers that ask for 10 ms are counted for so long: 300 in a page in front, one a second in a hidden one. */
const COUNTED_MS = 3_000;
const TIMERS = `new Promise((resolve) => { let fired = 0; const end = performance.now() + ${COUNTED_MS}; const next = () => { fired++; performance.now() > end ? resolve(fired) : setTimeout(next, 10); }; setTimeout(next, 10); })`;

export type Sight = 'visible' | 'hidden';

/** Three tabs of one ring, each in a window of its own, in front of which another tab can be brought. */
export interface HiddenNetwork extends AsyncDisposable {
  /** Shows or hides all of them, and waits until their pages say so. */
  turn(sight: Sight): Promise<void>;
  /** Timers a second that fire in each tab, of those that ask for one every 10 ms. */
  timers(): Promise<readonly number[]>;
  ask(question: NetworkQuestion): Promise<Evidence>;
}

export async function openHiddenNetwork({ browser, modelPath, signal }: Parts): Promise<HiddenNetwork> {
  await using opening = new AsyncDisposableStack();
  const coordinator = opening.use(await startCoordinatorProcess({ modelPath, stages: STAGES, expectWorkers: STAGES }, signal));
  const raw = opening.use(await RawBrowser.launch(browser));
  // Without drafts: an answer that repeats itself would be over before the tabs were turned twice.
  const pairs = await Promise.all(Array.from({ length: STAGES }, () => raw.openPair(`${coordinator.url}/#volunteer=1&engine=wasm&drafts=0`)));
  const turn = async (sight: Sight): Promise<void> => {
    for (const { page, cover } of pairs) await (sight === 'visible' ? page : cover).bringToFront();
    for (const deadline = performance.now() + TURN_TIMEOUT_MS; ; await sleep(20, undefined, { signal })) {
      const seen = await Promise.all(pairs.map(({ page }) => page.evaluate('document.visibilityState')));
      if (seen.every((state) => state === sight)) return;
      if (performance.now() > deadline) throw new Error(`the tabs were to be ${sight}; they say ${seen.join(', ')}`);
    }
  };
  await turn('visible');
  await coordinator.ready();
  const doors = new TrialDoors(coordinator);
  const opened = opening.move();
  return {
    turn,
    timers: async () => (await Promise.all(pairs.map(async ({ page }) => v.parse(v.number(), await page.evaluate(TIMERS))))).map((fired) => (1_000 * fired) / COUNTED_MS),
    ask: (question) => doors.answer({ ...question, signal }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
