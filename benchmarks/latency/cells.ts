import { availableParallelism, loadavg } from 'node:os';
import { MAX_DRAFTS } from '@ciro/core/protocol/limits.ts';
import { described, LineRing, NO_DELAY, TOKENS } from './line-ring.ts';
import { PROMPT_SET_NAMES, PROMPT_SETS } from './prompts.ts';
import type { BenchNetwork, Parts } from '../network/bench-network.ts';
import type { CoordinatorOptions } from '../network/coordinator-options.ts';
import type { PromptSet } from './prompts.ts';
import type { RingAnswer } from './line-ring.ts';
import type { LineQuality, SlowLine } from './slow-line.ts';

/** A link that breaks goes on through the coordinator, without the delay: such an answer does not count, and the question is asked again so often. */
const MOST_TRIES = 3;

/** Delays and losses between tabs, one way; what the bars are about first. */
export const CELLS: readonly LineQuality[] = [0, 0.01, 0.05].flatMap((loss) => [20, 0, 5, 50].map((delayMs) => ({ delayMs, loss })));

/** One answer of three tabs with drafts and without, and of one tab, one after the other. */
export interface Answer {
  readonly cell: LineQuality;
  readonly set: PromptSet;
  /** Tokens a second of three tabs that draft nothing, of three that do, and of one. */
  readonly threeTabs: number;
  readonly speculative: number;
  readonly oneTab: number;
  /** Ids that were drafted for it, and those that came true. */
  readonly drafted: number;
  readonly accepted: number;
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

/** Asks every question in every cell, of tabs that draft nothing and of tabs that do, in turns who is first. */
export async function measureCells(site: CellSite): Promise<readonly Answer[]> {
  const { parts, line, cells, rounds, deadline, tell } = site;
  const answers: Answer[] = [];
  await using plain = await LineRing.open(site, 0);
  await using drafting = await LineRing.open(site, MAX_DRAFTS);
  await ask(site.oneTab, 'Hello.');
  for (let round = 0; round < rounds; round++) {
    for (const cell of cells) {
      for (const set of PROMPT_SET_NAMES) {
        for (const question of PROMPT_SETS[set]) {
          for (let tries = 1; tries <= MOST_TRIES; tries++) {
            parts.signal.throwIfAborted();
            if (performance.now() > deadline) return answers;
            const order = answers.length % 2 === 0 ? [plain, drafting] : [drafting, plain];
            const found = new Map<LineRing, RingAnswer | undefined>();
            for (const ring of order) found.set(ring, await ring.ask(cell, question));
            const [without, withDrafts] = [found.get(plain), found.get(drafting)];
            if (without === undefined || withDrafts === undefined) continue;
            const { tokens_per_second: oneTab } = await ask(site.oneTab, question);
            answers.push({ cell, set, threeTabs: without.tokensPerSecond, speculative: withDrafts.tokensPerSecond, oneTab, ...await drafting.drafts(), firstTokenMs: without.firstTokenMs, loadPerCore: (loadavg()[0] ?? 0) / availableParallelism() });
            break;
          }
        }
      }
      const here = answers.filter((each) => each.cell === cell);
      tell(`${described(cell)}: ${here.map(({ set, threeTabs, speculative, oneTab, accepted, drafted }) => `${set} ${threeTabs.toFixed(1)}, drafting ${speculative.toFixed(1)} (${accepted}/${drafted}), one tab ${oneTab.toFixed(1)}`).join('; ')} tokens/s`);
    }
  }
  line.set(NO_DELAY);
  return answers;
}

const ask = (network: BenchNetwork, content: string) => network.ask({ messages: [{ role: 'user', content }], maxTokens: TOKENS });
