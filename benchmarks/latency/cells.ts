import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { openBenchNetwork } from '../network/bench-network.ts';
import { PROMPT_SET_NAMES, PROMPT_SETS } from './prompts.ts';
import type { BenchNetwork, Parts } from '../network/bench-network.ts';
import type { CoordinatorOptions } from '../network/coordinator-options.ts';
import type { PromptSet } from './prompts.ts';
import type { LineQuality, SlowLine } from './slow-line.ts';

const STAGES = 3;
/** Long enough for a rate, short enough for a hundred answers over slow lines. */
const TOKENS = 32;
/** One stage-job in a thousand. */
export const AUDIT_RATE = 0.001;
/** A link that breaks goes on through the coordinator, without the delay: such an answer does not count, and the question is asked again so often. */
const MOST_TRIES = 3;
/** Tabs tell the figures of their links anew every few seconds. */
const ROUTES_TIMEOUT_MS = 60_000;
const ROUTES_POLL_MS = 250;

/** Delays and losses between tabs, one way; what the bars are about first. */
export const CELLS: readonly LineQuality[] = [0, 0.01, 0.05].flatMap((loss) => [20, 0, 5, 50].map((delayMs) => ({ delayMs, loss })));

/** One answer of three tabs, and of one tab just after or before it. */
export interface Answer {
  readonly cell: LineQuality;
  readonly set: PromptSet;
  readonly threeTabs: number;
  readonly oneTab: number;
  readonly firstTokenMs: number;
  /** Processes that wanted to run on this machine, the last minute's average, for each core. */
  readonly loadPerCore: number;
}

export interface CellSite {
  readonly parts: Parts;
  readonly line: SlowLine;
  readonly oneTab: BenchNetwork;
  readonly ice: NonNullable<CoordinatorOptions['ice']>;
  readonly rounds: number;
  readonly cells: readonly LineQuality[];
  /** Time of `performance.now()`. */
  readonly deadline: number;
  readonly tell: (line: string) => void;
}

const Health = v.object({ links: v.array(v.object({ open: v.boolean(), route: v.string() })) });

/** Asks every question in every cell. A network whose links did not last is opened anew. */
export async function measureCells(site: CellSite): Promise<readonly Answer[]> {
  const { parts, line, cells, rounds, deadline, tell } = site;
  const answers: Answer[] = [];
  await using held = new AsyncDisposableStack();
  let network: BenchNetwork | undefined;
  held.defer(async () => network?.[Symbol.asyncDispose]());
  const open = async (): Promise<BenchNetwork> => {
    await network?.[Symbol.asyncDispose]();
    network = undefined;
    line.set({ delayMs: 0, loss: 0 });
    network = await openBenchNetwork(parts, { stages: STAGES, engine: 'wasm', ice: site.ice, relayOnly: true, auditRate: AUDIT_RATE });
    // Both ends warm up: the first answer after loading is slower.
    await ask(network, 'Hello.');
    await overTurn(network);
    return network;
  };
  network = await open();
  await ask(site.oneTab, 'Hello.');
  for (let round = 0; round < rounds; round++) {
    for (const cell of cells) {
      for (const set of PROMPT_SET_NAMES) {
        for (const question of PROMPT_SETS[set]) {
          for (let tries = 1; tries <= MOST_TRIES; tries++) {
            parts.signal.throwIfAborted();
            if (performance.now() > deadline) return answers;
            network ??= await open();
            line.set(cell);
            const evidence = await ask(network, question);
            const routes = await routesOf(network);
            const lasted = evidence.finish_reason !== 'moved' && routes.every((route) => route === 'turn');
            line.set({ delayMs: 0, loss: 0 });
            if (lasted) {
              const { tokens_per_second: oneTab } = await ask(site.oneTab, question);
              answers.push({ cell, set, threeTabs: evidence.tokens_per_second, oneTab, firstTokenMs: evidence.ttft_ms, loadPerCore: (loadavg()[0] ?? 0) / availableParallelism() });
              break;
            }
            tell(`a link broke at ${described(cell)} (${evidence.finish_reason}, ${routes.join()}): the network is opened anew`);
            await open();
          }
        }
      }
      const here = answers.filter((each) => each.cell === cell);
      tell(`${described(cell)}: ${here.map(({ set, threeTabs, oneTab }) => `${set} ${threeTabs.toFixed(1)}/${oneTab.toFixed(1)}`).join(', ')} tokens/s`);
    }
  }
  return answers;
}

const ask = (network: BenchNetwork, content: string) => network.ask({ messages: [{ role: 'user', content }], maxTokens: TOKENS });
const described = ({ delayMs, loss }: LineQuality): string => `${delayMs} ms, ${100 * loss} % lost`;

/** Waits until the coordinator has heard of every link that it goes over TURN. */
async function overTurn(network: BenchNetwork): Promise<void> {
  for (const deadline = performance.now() + ROUTES_TIMEOUT_MS; ; await sleep(ROUTES_POLL_MS)) {
    const routes = await routesOf(network);
    if (routes.every((route) => route === 'turn')) return;
    if (performance.now() > deadline) throw new Error(`links are ${routes.join()} after ${ROUTES_TIMEOUT_MS / 1000} s, not over TURN`);
  }
}

async function routesOf({ coordinator }: BenchNetwork): Promise<readonly string[]> {
  const { links } = v.parse(Health, await (await fetch(new URL('/health', coordinator.url))).json());
  return links.map(({ open, route }) => (open ? route : 'none'));
}
