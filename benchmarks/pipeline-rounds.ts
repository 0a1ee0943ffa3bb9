import { serveWllama } from './wllama/serve-wllama.ts';
import { openWllama } from './wllama/open-wllama.ts';
import { figureRow, median } from './figures/figure.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { FigureRow } from './figures/figure.ts';
import type { BenchNetwork, Parts } from './network/bench-network.ts';

/** ASCII, because wllama 3.8.1 ended with an error on an Arabic prompt; its answer is longer than what is measured. */
const QUESTION = 'Explain in a few sentences why the sky is blue.';
const MESSAGES = [{ role: 'user', content: QUESTION }];
/** What the model's template makes of it: wllama is given the same text. */
const RENDERED = `<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n${QUESTION}<|im_end|>\n<|im_start|>assistant\n`;
const TOKENS = 80;
const ROUNDS = 5;
const WLLAMA_THREADS = [1, 2] as const;

/** What the alternating rounds gave. */
export interface Rounds {
  readonly rows: readonly FigureRow[];
  readonly threeTabsRatio: number;
  readonly overWllamaOneThread: number;
  readonly overWllamaBest: number;
  readonly hopMs: number;
  readonly commitmentShare: number;
  readonly unitSigningMs: number;
}

/**
 * One tab, three tabs and wllama with one and two threads answer the same prompt in turns, the order turned round each time;
 * a first round warms up and is not counted. All run at the same time of day in the same browser, one after the other.
 */
export async function runRounds({ modelPath, signal }: Parts, oneTab: BenchNetwork, threeTabs: BenchNetwork, say: (line: string) => void): Promise<Rounds> {
  await using server = await serveWllama(modelPath);
  await using stack = new AsyncDisposableStack();
  const browser = oneTab.volunteers.pages[0]?.context().browser();
  if (browser == null) throw new Error('the browser of the one tab is gone');
  const rates = new Map<string, number[]>();
  const jobs = new Map<string, Evidence[]>([['one tab', []], ['three tabs', []]]);
  const note = (name: string, rate: number): void => void rates.set(name, [...(rates.get(name) ?? []), rate]);

  const ask = async (name: string, network: BenchNetwork): Promise<void> => {
    const evidence = await network.ask({ messages: MESSAGES, maxTokens: TOKENS });
    if (evidence.completion_tokens !== TOKENS) throw new Error(`${name} answered ${evidence.completion_tokens} tokens, not ${TOKENS}`);
    note(name, evidence.tokens_per_second);
    jobs.get(name)?.push(evidence);
  };
  const contenders: (readonly [name: string, run: () => Promise<void>])[] = [
    ['one tab', () => ask('one tab', oneTab)],
    ['three tabs', () => ask('three tabs', threeTabs)],
  ];
  for (const threads of WLLAMA_THREADS) {
    const tab = stack.use(await openWllama(browser, server.url, threads));
    const name = `wllama, ${threads} thread${threads === 1 ? '' : 's'}`;
    contenders.push([
      name,
      async () => {
        const { tokens, tokensPerSecond } = await tab.generate(RENDERED, TOKENS);
        if (tokens !== TOKENS) throw new Error(`${name} answered ${tokens} tokens, not ${TOKENS}`);
        note(name, tokensPerSecond);
      },
    ]);
  }

  for (let round = 0; round <= ROUNDS; round++) {
    for (const [, run] of round % 2 === 0 ? contenders : contenders.toReversed()) {
      signal.throwIfAborted();
      await run();
    }
    if (round === 0) for (const values of [...rates.values(), ...jobs.values()]) values.length = 0;
    say(`round ${round} of ${ROUNDS}${round === 0 ? ' (warm-up, not counted)' : ''}: ${[...rates].map(([name, values]) => `${name} ${values.at(-1)?.toFixed(1) ?? '–'}`).join(', ')} tokens/s`);
  }

  const rate = (name: string): number => median(rates.get(name) ?? []);
  const ofThree = jobs.get('three tabs') ?? [];
  const hops = ofThree.map(hopMs);
  const shares = [...jobs].map(([name, evidence]) => [name, evidence.map(commitmentShare)] as const);
  const signings = [...jobs].map(([name, evidence]) => [name, evidence.map((each) => Math.max(...each.stages.map(({ unit_ms: { p50 } }) => p50)))] as const);
  return {
    rows: [
      ...[...rates].map(([name, values]) => figureRow(`tokens/s, ${TOKENS} tokens greedy`, name, '1/s', values)),
      figureRow('hop', 'three tabs: (lap − compute of the stages) / 3, p50', 'ms', hops),
      figureRow('lap of the ring', 'three tabs, p50', 'ms', ofThree.map(({ stages }) => stages[0]?.lap_ms.p50 ?? Number.NaN)),
      ...(ofThree[0]?.stages ?? []).map(({ layers }, stage) => figureRow(`compute a token, layers ${layers.join('–')}`, 'three tabs, p50', 'ms', ofThree.map(({ stages }) => stages[stage]?.ms_per_token.p50 ?? Number.NaN))),
      ...(ofThree[0]?.stages ?? []).map(({ layers }, stage) => figureRow(`commitment a token, layers ${layers.join('–')}`, 'three tabs, p50', 'ms', ofThree.map(({ stages }) => stages[stage]?.commit_ms_per_token.p50 ?? Number.NaN))),
      ...shares.map(([name, values]) => figureRow('commitment / compute, the worst stage', name, 'share', values)),
      ...signings.map(([name, values]) => figureRow('signing a unit, the worst stage', `${name}, p50`, 'ms', values)),
    ],
    threeTabsRatio: rate('three tabs') / rate('one tab'),
    overWllamaOneThread: rate('one tab') / rate('wllama, 1 thread'),
    overWllamaBest: rate('one tab') / Math.max(...WLLAMA_THREADS.map((threads) => rate(`wllama, ${threads} thread${threads === 1 ? '' : 's'}`))),
    hopMs: median(hops),
    commitmentShare: Math.max(...shares.map(([, values]) => median(values))),
    unitSigningMs: Math.max(...signings.map(([, values]) => median(values))),
  };
}

/** What a lap takes besides the stages' compute, a stage: read-out, packing, the data channel, unpacking, and once the sampling. */
function hopMs({ stages }: Evidence): number {
  const compute = stages.reduce((sum, { ms_per_token: { p50 } }) => sum + p50, 0);
  return ((stages[0]?.lap_ms.p50 ?? Number.NaN) - compute) / stages.length;
}

const commitmentShare = ({ stages }: Evidence): number => Math.max(...stages.map(({ commit_ms_per_token: commit, ms_per_token: compute }) => commit.p50 / compute.p50));
