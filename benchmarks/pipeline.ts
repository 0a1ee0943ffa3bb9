/** `npm run bench -- pipeline`: one tab, three tabs and wllama side by side; joining, memory and whole starts. About six minutes. */
import { openBenchNetwork, prepareParts } from './network/bench-network.ts';
import { openEvenTabs } from './network/even-tabs.ts';
import { firstJoins, joinCold, reloadTabs } from './pipeline-joins.ts';
import { coordinatorRow, measureGrowth, measureOnPostgres, measureRenderers } from './pipeline-memory.ts';
import { runRounds } from './pipeline-rounds.ts';
import { measureStarts } from './pipeline-starts.ts';
import type { Parts } from './network/bench-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

/** Runs every part, one after the other so that none disturbs another; nothing random is used, answers are greedy. */
export async function run({ signal, say }: BenchContext): Promise<BenchReport> {
  const begun = performance.now();
  const tell = (line: string): void => say(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  const parts = await prepareParts(signal, tell);

  tell('three tabs with ten layers each: memory, then reloaded');
  const { renderers, reloaded } = await evenly(parts);
  tell('one tab, three tabs and wllama in turns');
  const side = await sideBySide(parts, tell);
  tell('three cold tabs behind slow lines');
  const cold = await joinCold(parts);
  tell('a coordinator on PostgreSQL');
  const postgres = await measureOnPostgres(parts);
  tell('whole starts');
  const starts = await measureStarts(parts);
  tell('done');

  const { rounds, first, growth, coordinator } = side;
  return {
    seeds: [],
    rows: [...rounds.rows, ...first.rows, ...reloaded.rows, ...cold.rows, ...renderers.rows, ...growth, ...coordinator.row, ...postgres.row, ...starts.rows],
    values: {
      three_tabs_ratio: rounds.threeTabsRatio,
      hop_p50_ms: rounds.hopMs,
      commitment_share: rounds.commitmentShare,
      unit_signing_ms: rounds.unitSigningMs,
      join_ms: first.joinMs,
      cached_ready_ms: reloaded.readyMs,
      cold_ready_ms_20mbit: cold.readyMs,
      one_tab_v_wllama_1_thread: rounds.overWllamaOneThread,
      one_tab_v_wllama_best: rounds.overWllamaBest,
      renderer_middle_mb: renderers.middleMb,
      renderer_ends_mb: renderers.endsMb,
      coordinator_mb: coordinator.megabytes,
      coordinator_pg_mb: postgres.value,
      first_answer_s_50mbit: starts.firstS,
      second_answer_s: starts.secondS,
    },
    browser: parts.browser.version,
  };
}

async function evenly(parts: Parts) {
  await using tabs = await openEvenTabs(parts);
  const renderers = await measureRenderers(tabs, parts.signal);
  return { renderers, reloaded: await reloadTabs(tabs) };
}

/** What needs one network of one tab and one of three at the same time; idle tabs take no processor. Nothing is drafted (SPEC E5): a lap gives one id, so a hop is what a lap says. */
async function sideBySide(parts: Parts, tell: (line: string) => void) {
  await using threeTabs = await openBenchNetwork(parts, { stages: 3, engine: 'wasm', maxDrafts: 0 });
  const first = await firstJoins(threeTabs);
  await using oneTab = await openBenchNetwork(parts, { stages: 1, engine: 'wasm' });
  const rounds = await runRounds(parts, oneTab, threeTabs, tell);
  tell('an answer of 1,000 tokens');
  const growth = await measureGrowth(threeTabs);
  const coordinator = await coordinatorRow(threeTabs, 'with PGlite, after all jobs of three tabs');
  return { rounds, first, growth, coordinator };
}
