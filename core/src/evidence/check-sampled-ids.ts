import { checkId, deltaOf } from '../audit/sampled-id.ts';
import { calibrationOf } from '../model/parse-manifest.ts';
import { SamplingError } from '../sampling/sampling-error.ts';
import { checkOf, wrong } from './report.ts';
import type { JobFacts } from './job-facts.ts';
import type { RecomputePort } from './recompute.ts';
import type { Check } from './report.ts';

/**
 * Every id of the answer is what the signed sampler draws from the recomputed rows, or would draw from logits within the
 * calibrated tolerance of them (SPEC A7). `rows`: final-norm rows [positions, hidden].
 */
export async function checkSampledIds({ evidence, plan, hidden, ids }: JobFacts, rows: Float32Array, port: RecomputePort): Promise<Check> {
  const name = 'sampled ids';
  const { sampler } = plan;
  const delta = deltaOf(calibrationOf(evidence.manifest));
  const prompt = evidence.prompt_ids.length;
  let ambiguous = 0;
  for (const [index, id] of evidence.token_ids.entries()) {
    const position = prompt - 1 + index;
    const logits = await port.logits(rows.slice(position * hidden, (position + 1) * hidden));
    try {
      const { state, gap } = checkId({ logits, sampler, position, id, recentIds: ids.slice(prompt, prompt + index), delta });
      if (state === 'wrong') return checkOf(name, wrong(`token_ids[${index}]`, `an id within the tolerance of the sampler's`, `${id}, which is ${gap} off`, `id that follows position ${position}`), '');
      if (state === 'ambiguous') ambiguous++;
    } catch (error) {
      if (!(error instanceof SamplingError)) throw error;
      return checkOf(name, wrong(`token_ids[${index}]`, 'logits that can be sampled', error.message, `id that follows position ${position}`), '');
    }
  }
  return checkOf(name, undefined, `${evidence.token_ids.length} ids are those of the signed sampler${ambiguous === 0 ? '' : `, ${ambiguous} of them only within the tolerance`}`);
}
