import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { browserStatus } from '../tests/support/browser-status.ts';
import { greedyVector } from '../tests/support/network-vectors.ts';
import { figureRow, megabytes } from './figures/figure.ts';
import { openBenchNetwork } from './network/bench-network.ts';
import { startPostgres } from '@ciro/tests/support/postgres-server.ts';
import type { FigureRow } from './figures/figure.ts';
import type { BenchNetwork, Parts } from './network/bench-network.ts';
import type { EvenTabs } from './network/even-tabs.ts';

/** Its greedy answer repeats itself, so it is as long as it is allowed to be. */
const ENDLESS = greedyVector('explicit system');
const TOKENS = 1_000;
/** Where memory is read in a long answer; the second just before its end, while everything is held. */
const READ_AT = [200, 980] as const;

/** A browser collects what a finished load left behind when a tab has been quiet for a while (measured: 10 to 30 s). */
const SETTLE_MS = 20_000;

export interface RendererMemories {
  readonly rows: readonly FigureRow[];
  readonly middleMb: number;
  readonly endsMb: number;
}

/**
 * Renderers of three tabs with ten layers each that have loaded and not worked yet: resident memory as the operating system
 * counts it, the browser's own code in full, once the garbage of loading had time to go. Proportional: shared pages divided.
 */
export async function measureRenderers(tabs: EvenTabs, signal: AbortSignal): Promise<RendererMemories> {
  const atOnce = await tabs.memory();
  await sleep(SETTLE_MS, undefined, { signal });
  const settled = await tabs.memory();
  const of = ['layers 0–10 with embedding', 'layers 10–20', 'layers 20–30 with head'];
  const settledMb = settled.map(({ residentBytes }) => megabytes(residentBytes));
  const proportional = await Promise.all(settled.map(({ pid }) => proportionalBytes(pid)));
  const rows = of.flatMap((range, stage) => [
    figureRow(`renderer ${SETTLE_MS / 1000} s after load, resident`, range, 'MB', [settledMb[stage] ?? Number.NaN]),
    figureRow(`renderer ${SETTLE_MS / 1000} s after load, proportional`, range, 'MB', [megabytes(proportional[stage] ?? Number.NaN)]),
    figureRow('renderer at once after load, resident', range, 'MB', [megabytes(atOnce[stage]?.residentBytes ?? Number.NaN)]),
    figureRow('renderer, peak while loading', range, 'MB', [megabytes(settled[stage]?.peakBytes ?? Number.NaN)]),
  ]);
  const [first, middle, last] = settledMb;
  return { rows, middleMb: middle ?? Number.NaN, endsMb: Math.max(first ?? Number.NaN, last ?? Number.NaN) };
}

/** Resident bytes of a process with what it shares divided among those who share it; Linux only. */
async function proportionalBytes(pid: number): Promise<number> {
  return 1024 * Number(/^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? Number.NaN);
}

/** A long answer over three tabs: what renderers and engines hold at its beginning and at its end. Nothing may grow but what is read in. */
export async function measureGrowth(network: BenchNetwork): Promise<readonly FigureRow[]> {
  const reads: { readonly renderers: readonly number[]; readonly engines: readonly number[] }[] = [];
  let pieces = 0;
  const { completion_tokens: tokens, tokens_per_second: rate } = await network.ask({
    messages: ENDLESS.messages,
    maxTokens: TOKENS,
    onText: async () => {
      pieces += 1;
      if (!READ_AT.some((place) => place === pieces)) return;
      const renderers = (await network.volunteers.memory()).map((memory) => megabytes(memory?.residentBytes ?? Number.NaN));
      const engines = (await Promise.all(network.volunteers.pages.map(browserStatus))).map(({ memory }) => megabytes(memory.held_bytes));
      reads.push({ renderers, engines });
    },
  });
  if (tokens !== TOKENS || reads.length !== READ_AT.length) throw new Error(`the long answer has ${tokens} tokens and was read ${reads.length} times`);
  return [
    ...READ_AT.flatMap((place, index) => [
      figureRow(`renderers at token ${place} of ${TOKENS}`, 'three tabs, in stage order of the pages', 'MB', reads[index]?.renderers ?? []),
      figureRow(`engines at token ${place} of ${TOKENS}`, 'three tabs, weights and KV cache', 'MB', reads[index]?.engines ?? []),
    ]),
    figureRow(`growth from token ${READ_AT[0]} to ${READ_AT[1]}`, 'renderers of three tabs', 'MB', (reads[1]?.renderers ?? []).map((after, tab) => after - (reads[0]?.renderers[tab] ?? Number.NaN))),
    figureRow(`tokens/s, ${TOKENS} tokens greedy`, 'three tabs', '1/s', [rate]),
  ];
}

/** Resident memory of the coordinator's process after all that it did. */
export async function coordinatorRow(network: BenchNetwork, what: string): Promise<{ readonly row: readonly FigureRow[]; readonly megabytes: number }> {
  const { residentBytes, peakBytes } = await network.coordinator.memory();
  return {
    row: [figureRow('coordinator, resident', what, 'MB', [megabytes(residentBytes)]), figureRow('coordinator, peak', what, 'MB', [megabytes(peakBytes)])],
    megabytes: megabytes(residentBytes),
  };
}

/** The coordinator on a PostgreSQL server of its own, after one job; or why there is none. */
export async function measureOnPostgres(parts: Parts): Promise<{ readonly row: readonly FigureRow[]; readonly value: number | { readonly notMeasured: string } }> {
  const server = await startPostgres();
  if ('missing' in server) return { row: [], value: { notMeasured: server.missing } };
  await using _server = server;
  await using network = await openBenchNetwork(parts, { stages: 1, engine: 'wasm', databaseUrl: server.url });
  await network.ask({ messages: ENDLESS.messages, maxTokens: ENDLESS.outputIds.length });
  const { row, megabytes: value } = await coordinatorRow(network, 'on PostgreSQL, after a job');
  return { row, value };
}
