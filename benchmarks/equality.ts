/**
 * `npm run bench -- equality [wasm|webgpu]`: answers over 1, 2, 3 and 5 tabs against the unsharded float32 model, token by
 * token. On a software GPU the WebGPU half takes about 20 minutes, so either half can be run alone.
 */
import { hasWebGpu } from '../tests/support/browser-webgpu.ts';
import { GREEDY_VECTORS } from '../tests/support/network-vectors.ts';
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';
import type { GreedyVector } from '../tests/support/network-vectors.ts';

/** The software adapter computes a token of this model in about a second. */
const WEBGPU_TOKENS = 12;

interface Variant {
  readonly name: string;
  readonly engine: 'wasm' | 'webgpu';
  readonly stages: number;
  readonly tokens: number;
}

const VARIANTS: readonly Variant[] = [
  ...[1, 2, 3, 5].map((stages): Variant => ({ name: `wasm, ${stages} stages`, engine: 'wasm', stages, tokens: Infinity })),
  { name: 'webgpu, 3 stages', engine: 'webgpu', stages: 3, tokens: WEBGPU_TOKENS },
];

/** Places at which two answers differ; where one has ended and the other goes on counts too. */
export function mismatches(wanted: readonly number[], given: readonly number[]): number {
  return Array.from({ length: Math.max(wanted.length, given.length) }, (_, place) => wanted[place] === given[place]).filter((same) => !same).length;
}

/** One row a prompt, one column a variant: tokens that differ, of those compared. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const parts = await prepareParts(signal, say);
  const webGpu = await hasWebGpu(parts.browser);
  const rows = GREEDY_VECTORS.map(({ name, promptIds, outputIds }): Record<string, string | number> => ({ prompt: name, prompt_tokens: promptIds.length, tokens: outputIds.length }));
  let total = 0;
  for (const variant of VARIANTS.filter(({ engine }) => args.length === 0 || args.includes(engine))) {
    if (variant.engine === 'webgpu' && !webGpu) {
      for (const row of rows) row[variant.name] = 'no adapter';
      continue;
    }
    const started = performance.now();
    await using network = await openBenchNetwork(parts, variant);
    for (const [index, vector] of GREEDY_VECTORS.entries()) {
      const wrong = await compare(network.ask, vector, variant);
      total += wrong;
      const row = rows[index];
      if (row !== undefined) row[variant.name] = wrong;
    }
    say(`${variant.name}: ${((performance.now() - started) / 1000).toFixed(0)} s, ${total} mismatches so far`);
  }
  return { seeds: [], rows, values: { mismatches: total }, browser: parts.browser.version };
}

async function compare(ask: Awaited<ReturnType<typeof openBenchNetwork>>['ask'], { name, messages, promptIds, outputIds }: GreedyVector, variant: Variant): Promise<number> {
  const wanted = outputIds.slice(0, variant.tokens);
  const { prompt_ids: prompt, token_ids: given, stages } = await ask({ messages, maxTokens: wanted.length });
  if (mismatches(promptIds, prompt) > 0) throw new Error(`${name} became other prompt ids than the reference's: the answers cannot be compared`);
  if (stages.length !== variant.stages || stages.some(({ engine }) => engine !== variant.engine)) throw new Error(`${name} was answered by ${stages.map(({ engine }) => engine).join(', ')}, not by ${variant.name}`);
  return mismatches(wanted, given);
}
