/**
 * An answer that moves, over three stages of the default model, by the pipelines that tabs run: whichever stage is lost, or all of them, what is computed
 * again has the bits of the undisturbed run, and so has everything that follows from it (SPEC V10).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../support/default-model.ts';
import { THREE_STAGES, loadDefaultStages } from '../support/default-stages.ts';
import { StageRing } from '../support/stage-ring.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { LoadedStage } from '../support/default-stages.ts';
import type { RingJob } from '../support/stage-ring.ts';

const SEED = 31_001;
const DRAWN_BEFORE = 18;
const TOKENS = 36;
/** Loading three stages and ten answers on two shared cores. */
const TIMEOUT_MS = 400_000;

describe.skipIf(DEFAULT_MODEL_PATH === undefined)(`an answer that moves${NEEDS_DEFAULT_MODEL}`, () => {
  let held: readonly LoadedStage[] = [];
  let prompt: number[];
  let ring: StageRing;
  /** Of the undisturbed run: its ids, and by stage and unit what was given; then what the answer's last rows are. */
  let whole: { readonly ids: readonly number[]; readonly rows: readonly (readonly string[])[] };

  const drawn = (plan: JobPlan): JobPlan => ({ ...plan, sampler: { ...plan.sampler, temperature: 1, seed: SEED } });
  /** Hashes of what each stage was given, unit by unit, and of what it gave in the last one: before that the last stage's hold ids that only the job knows which drew them. */
  const rowsOf = (job: RingJob): string[][] =>
    [...THREE_STAGES.keys()].map((stage) => {
      const bodies = ring.sent(stage, 'unit', job).map(({ receipt }) => receipt.body);
      return [...bodies.map(({ inputHash }) => inputHash), bodies.at(-1)?.payloadHash ?? 'none'];
    });

  beforeAll(async () => {
    const loaded = await loadDefaultStages();
    held = loaded.held;
    prompt = loaded.tokenizer.encodePrompt('<|im_start|>user\nTell a story about a lighthouse and a storm.<|im_end|>\n<|im_start|>assistant\n');
    ring = await StageRing.make({ stages: THREE_STAGES.length, seed: SEED, held });
    const job = await ring.run(prompt, TOKENS, drawn);
    whole = { ids: job.ids, rows: rowsOf(job) };
  }, TIMEOUT_MS);

  afterAll(async () => {
    for (const { engine } of held) await engine.dispose();
  });

  test.each([['the first stage', [0]], ['a middle stage', [1]], ['the last stage', [2]], ['two stages at once', [0, 2]]])('V10: %s lost, and the answer goes on bit for bit', async (_, lost) => {
    ring.onToken = (job) => void (job.ids.length === DRAWN_BEFORE && job.signed.plan.promptTokens === prompt.length && ring.finish(job));
    const first = await ring.run(prompt, TOKENS, drawn);
    expect(first.ids).toEqual(whole.ids.slice(0, DRAWN_BEFORE));
    for (const stage of lost) await ring.replace(stage, held[stage]);
    const bound = prompt.length + DRAWN_BEFORE - 1;
    // One unit less than are bound: what lies behind the prefix is computed again by all.
    const positions = bound - (bound % 16) - 16;
    const prefix = { job: first.signed.plan.job, planHash: planHashOf(first.signed.plan), positions };
    const [rebuilds] = lost;
    const reuses = lost.length <= 1;
    const next = await ring.run([...prompt, ...first.ids], TOKENS - DRAWN_BEFORE, (plan) => ({
      ...drawn(plan),
      drawnFrom: prompt.length,
      ...(reuses && { prefix: { ...prefix, ...(rebuilds !== undefined && { rebuilds }) } }),
    }));
    expect(rowsOf(next)).toEqual(whole.rows.map((units) => units.slice(reuses ? positions / 16 : 0)));
    expect([...first.ids, ...next.ids]).toEqual(whole.ids);
  }, TIMEOUT_MS);
});
