import { expect } from 'vitest';
import { evidenceOfAnswer, firstWrongOfAnswer, idsOfAnswer } from './answer-jobs.ts';
import { openChangingNetwork } from './changing-network.ts';
import { buildFaultyWorker, failNextRun } from './faulty-page/page-faults.ts';
import { askAndDisturb } from './lost-tab.ts';
import { swapInPage } from './swapped-worker/swap-in-page.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { ChangingNetwork, ChangingNetworkWish } from './changing-network.ts';
import type { PageFault } from './faulty-page/fault-flag.ts';
import type { GreedyVector } from './network-vectors.ts';
import type { SeenTab } from './volunteer-tabs.ts';

/** A network whose tabs' engines fail once a test says so. */
export async function openFaultyNetwork(browser: Browser, wish: Omit<ChangingNetworkWish, 'prepare'>): Promise<ChangingNetwork> {
  const worker = await buildFaultyWorker();
  return openChangingNetwork(browser, { ...wish, prepare: (page) => swapInPage(page, worker) });
}

export const workersOf = (job: Evidence | undefined): readonly string[] | undefined => job?.stages.map(({ worker }) => worker);

/** Asks, has the engine of one tab fail after so many pieces of text, and checks that the answer is the undisturbed one. Gives its jobs. */
export async function engineLost({ coordinator }: ChangingNetwork, { failing, fault, vector, after }: { readonly failing: SeenTab; readonly fault: PageFault; readonly vector: Pick<GreedyVector, 'messages' | 'outputIds'>; readonly after: number }): Promise<readonly Evidence[]> {
  const maxTokens = vector.outputIds.length;
  const { answer, movingAt } = await askAndDisturb(coordinator, { messages: vector.messages, maxTokens }, after, () => failNextRun(failing.tab.page, fault));
  expect(answer).toMatchObject({ ok: true, finish: 'length', completionTokens: maxTokens });
  if (!answer.ok) throw new Error('no answer');
  expect(movingAt).toBeDefined();
  const jobs = await evidenceOfAnswer(coordinator, answer.job);
  expect(idsOfAnswer(jobs)).toEqual(vector.outputIds);
  expect(jobs.map(({ finish_reason: reason }) => reason)).toEqual(['moved', 'length']);
  expect(await firstWrongOfAnswer(jobs, vector, answer.text)).toBeNull();
  return jobs;
}
