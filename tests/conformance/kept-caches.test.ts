/**
 * A next turn over three stages of the default model, by the pipelines that tabs run: with what the stages keep of the first turn it draws the ids
 * that it draws without, in a part of the time. Set CIRO_KEPT_PROMPT for another length of the history.
 */
import { expect, test } from 'vitest';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import { THREE_STAGES, loadDefaultStages } from '../support/default-stages.ts';
import { StageRing } from '../support/stage-ring.ts';
import type { PlanPrefix } from '@ciro/core/job/plan.ts';
import type { RingJob } from '../support/stage-ring.ts';

const SEED = 18_001;
const HISTORY_TOKENS = Number(process.env['CIRO_KEPT_PROMPT'] ?? 160);
const TOKENS = 20;
/** Loading three stages and three answers on two shared cores. */
const TIMEOUT_MS = 400_000;

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`V2: a next turn with kept caches draws what it draws without${NEEDS_DEFAULT_MODEL}`, async () => {
  const { tokenizer, held } = await loadDefaultStages();
  const ring = await StageRing.make({ stages: THREE_STAGES.length, seed: SEED, held });
  const story = Array.from({ length: HISTORY_TOKENS }, (_, index) => `The ${index}th house in the street has a red door and ${index % 7} windows.`).join(' ');
  const history = tokenizer.encodePrompt(`<|im_start|>user\n${story}`).slice(0, HISTORY_TOKENS);
  /** Runs a turn; milliseconds from its start to its first id. */
  const turn = async (prompt: readonly number[], prefix?: PlanPrefix): Promise<{ job: RingJob; firstMs: number }> => {
    const job = await ring.prepare(await ring.plan(prompt, TOKENS, (plan) => ({ ...plan, ...(prefix && { prefix }) })));
    const started = performance.now();
    let firstMs = 0;
    ring.onToken = () => (firstMs ||= performance.now() - started);
    ring.begin(job);
    await job.over;
    await ring.settled();
    return { job, firstMs };
  };
  const first = await turn(history);
  const prompt = [...history, ...first.job.ids, ...tokenizer.encodePrompt('<|im_end|>\n<|im_start|>user\nHow many windows has the second house?<|im_end|>\n<|im_start|>assistant\n')];
  const positions = Math.floor((history.length + TOKENS - 1) / 16) * 16;
  const plain = await turn(prompt);
  const kept = await turn(prompt, { job: first.job.signed.plan.job, planHash: planHashOf(first.job.signed.plan), positions });
  expect(kept.job.ids).toEqual(plain.job.ids);
  for (const stage of THREE_STAGES.keys()) expect(ring.sent(stage, 'unit', kept.job)[0]?.receipt.body.from).toBe(positions);
  console.info(`first id of ${prompt.length} prompt ids: ${plain.firstMs.toFixed(0)} ms, with ${positions} kept ${kept.firstMs.toFixed(0)} ms, ratio ${(kept.firstMs / plain.firstMs).toFixed(3)}`);
  for (const { engine } of held) await engine.dispose();
}, TIMEOUT_MS);
