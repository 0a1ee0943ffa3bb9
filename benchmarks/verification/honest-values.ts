import { MODEL_KEYS } from './models.ts';
import type { EngineName } from './honest-engines.ts';
import type { HonestResult, MissingPairs } from './honest.ts';
import type { ModelKey } from './models.ts';
import type { PartReport } from './part.ts';

type Value = PartReport['values'][string];

const BROWSERS: readonly EngineName[] = ['Chromium', 'Firefox', 'WebKit'];
/** Engines whose row counts have bars of their own. */
const GPUS: readonly EngineName[] = ['SwiftShader', 'native WebGPU'];

/** What all pairs come to, bar by bar. A smaller share answers none of the bars about counts. */
export function summarise(results: readonly HonestResult[], missing: MissingPairs, share: number, models: readonly ModelKey[]): PartReport['values'] {
  const partial = share > 1 || models.length < MODEL_KEYS.length;
  const counted = (value: () => Value): Value => (partial ? { notMeasured: `a part of the prompts or models only (share 1/${share}, ${models.join(', ')})` } : value());
  const pairs = byPair(results);
  const least = (of: (pair: readonly HonestResult[]) => number, among: readonly (readonly HonestResult[])[] = pairs): number => Math.min(...among.map(of));
  const onProcessor = pairs.filter(([first]) => first !== undefined && !GPUS.includes(first.engine));
  const on = (engine: EngineName, value: (pairs: readonly (readonly HonestResult[])[]) => number): Value => {
    const among = pairs.filter(([first]) => first?.engine === engine);
    return among.length === 0 ? { notMeasured: missing.get(engine) ?? 'no such pair was run' } : value(among);
  };
  const rejects = (among: readonly (readonly HonestResult[])[]): number => sum(among.flat(), ({ unitMisses, misses }) => Math.max(unitMisses, misses));
  const absent = BROWSERS.filter((name) => missing.has(name));
  return {
    honest_rows: counted(() => least((pair) => sum(pair, ({ rows }) => rows), onProcessor)),
    honest_prompts: counted(() => least((pair) => Math.min(...pair.map(({ prompts }) => prompts)), onProcessor)),
    honest_match_percent: least((pair) => 100 * Math.min(1 - sum(pair, ({ misses }) => misses) / sum(pair, ({ rows }) => rows), 1 - sum(pair, ({ unitMisses }) => unitMisses) / sum(pair, ({ units }) => units))),
    swiftshader_rows: counted(() => on('SwiftShader', (among) => least((pair) => sum(pair, ({ rows }) => rows), among))),
    swiftshader_rejects: on('SwiftShader', rejects),
    hardware_gpu_rows: counted(() => on('native WebGPU', (among) => least((pair) => sum(pair, ({ rows }) => rows), among))),
    fraud_proofs: sum(results, ({ fraudProofs }) => fraudProofs),
    reference_engines: absent.length > 0 ? { notMeasured: absent.map((name) => `${name}: ${missing.get(name)}`).join('; ') } : BROWSERS.filter((name) => bitEqual(results, name)).length,
  };
}

/** A browser gives the reference's bits when it gives those of an engine that does; the pairs lead from Node to each of them. */
function bitEqual(results: readonly HonestResult[], browser: EngineName): boolean {
  const equal = (engine: EngineName): boolean => {
    const own = results.filter((result) => result.engine === engine);
    return own.length > 0 && own.every(({ bitEqual: bits, rows }) => bits === rows);
  };
  return equal('Chromium') && equal(browser);
}

/** Results of one pair and model together. */
export function byPair(results: readonly HonestResult[]): HonestResult[][] {
  const groups = new Map<string, HonestResult[]>();
  for (const result of results) {
    const name = `${result.model} ${result.pair}`;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return [...groups.values()];
}

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number => items.reduce((total, item) => total + of(item), 0);
