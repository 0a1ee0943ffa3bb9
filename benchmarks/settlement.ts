/**
 * `npm run bench -- settlement [--payees 100000] [--rounds 3]`: the tree of an epoch and of the next one in two threads, and, where a devnet
 * (CIRO_DEVNET_BIN) and the compiled contracts are, 1,000 payees settled and paid on it, first payouts that tabs claim, and, with a browser, a
 * tab from its link to its tokens; and the local chain's command. `--part payouts`: what follows the 1,000 payees alone.
 */
import { parseArgs } from 'node:util';
import { figureRow, median } from './figures/figure.ts';
import { BenchError } from './result.ts';
import { findBrowser } from '../signaling/src/volunteers/find-browser.ts';
import { timeChainOnce } from './settlement/chain-once.ts';
import { timeLinkToTokens, timeSponsoredClaims } from './settlement/first-payouts.ts';
import { settleOnDevnet } from './settlement/on-devnet.ts';
import { epochOf, timeTree } from './settlement/tree.ts';
import { findSettlementChain } from '../tests/support/settlement-devnet.ts';
import type { FigureRow } from './figures/figure.ts';
import type { BenchReport } from './result.ts';
import type { BenchContext } from './run.ts';
import type { TreeTimes } from './settlement/tree.ts';

/** As the bar says. */
const THREADS = 2;
const DEVNET_PAYEES = 1_000;

/** Nothing random is used. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values: flags } = parseArgs({ args: [...args], options: { payees: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '3' }, part: { type: 'string', default: 'all' } } });
  const [payees, rounds] = [Number(flags.payees), Number(flags.rounds)];
  if (![payees, rounds].every((value) => Number.isSafeInteger(value) && value > 0)) throw new BenchError('usage: npm run bench -- settlement [--payees N] [--rounds N] [--part payouts]');
  if (flags.part === 'payouts') return firstPayouts({ signal, say });
  const [first, second] = [epochOf(payees, 1), epochOf(payees, 2)];
  const [fresh, next]: [TreeTimes[], TreeTimes[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    const { tree, ...times } = await timeTree(first, THREADS);
    fresh.push(times);
    const { tree: _grown, ...later } = await timeTree(second, THREADS, { entries: first.entries, tree });
    next.push(later);
    say(`round ${round + 1}: ${times.wallS.toFixed(1)} s (${times.cpuS.toFixed(1)} s of processor), next epoch ${later.wallS.toFixed(1)} s (${later.cpuS.toFixed(1)} s)`);
  }
  const rows: FigureRow[] = [
    figureRow(`tree of ${payees} payees`, `${THREADS} threads, wall`, 's', fresh.map(({ wallS }) => wallS)),
    figureRow(`tree of ${payees} payees`, `${THREADS} threads, processor`, 's', fresh.map(({ cpuS }) => cpuS)),
    figureRow('next epoch, 10 % changed', `${THREADS} threads, wall`, 's', next.map(({ wallS }) => wallS)),
    figureRow('next epoch, 10 % changed', `${THREADS} threads, processor`, 's', next.map(({ cpuS }) => cpuS)),
  ];
  // Fewer payees than the bar's say nothing about it.
  const trees = payees >= 100_000 ? { tree_s: median(fresh.map(({ wallS }) => wallS)), next_tree_s: median(next.map(({ wallS }) => wallS)) } : { tree_s: { notMeasured: `run with ${payees} payees` }, next_tree_s: { notMeasured: `run with ${payees} payees` } };
  const found = await findSettlementChain();
  if ('missing' in found) {
    say(`NOT MEASURED on a chain: ${found.missing}`);
    return { seeds: [], rows, values: { ...trees, payees: { notMeasured: found.missing }, units_apart: { notMeasured: found.missing }, ...ELSEWHERE } };
  }
  const settled = await settleOnDevnet(found, { payees: DEVNET_PAYEES, signal, say });
  rows.push(
    figureRow(`${DEVNET_PAYEES} payees on devnet`, 'first look to the last one settled, wall', 's', [settled.wallS]),
    figureRow('transactions', 'an epoch and its pushes', '', [settled.transactions]),
    figureRow('L2 gas of all pushes', 'a payee, new accounts', 'k', [settled.pushGas / settled.payees / 1e3]),
  );
  const paid = await firstPayouts({ signal, say });
  return { seeds: [], rows: [...rows, ...paid.rows], values: { ...paid.values, ...trees, payees: settled.payees, units_apart: Number(settled.unitsApart) } };
}

/** What tabs claim themselves: from the click to the receipt, and from the link to the tokens. */
async function firstPayouts({ signal, say }: Pick<BenchContext, 'signal' | 'say'>): Promise<BenchReport & { readonly rows: FigureRow[] }> {
  const alone = { notMeasured: 'run with --part payouts' };
  const others = { tree_s: alone, next_tree_s: alone, payees: alone, units_apart: alone };
  const found = await findSettlementChain();
  if ('missing' in found) return { seeds: [], rows: [], values: { ...others, ...ELSEWHERE } };
  const claims = await timeSponsoredClaims(found.binary, { signal, say });
  const rows = [figureRow('first payout with its account, sponsored', 'click to receipt, one after the other', 'ms', claims.milliseconds)];
  const chainS = await timeChainOnce(signal);
  rows.push(figureRow('npm run chain -- --once', 'command to end', 's', [chainS]));
  say(`npm run chain -- --once: ${chainS.toFixed(1)} s`);
  const timed = { sponsored_p95_s: claims.p95S, chain_once_s: chainS };
  const browser = await findBrowser({ report: say, signal });
  if (browser === undefined) return { seeds: [], rows, values: { ...others, ...ELSEWHERE, ...timed } };
  const link = await timeLinkToTokens({ signal, say });
  rows.push(figureRow('link opened, cold', 'to tokens on the chain in the tab', 's', [link.seconds]), figureRow('of these', 'to the end of its first answer', 's', [link.answeredS]));
  return { seeds: [], rows, values: { ...others, ...timed, link_to_tokens_s: link.seconds } };
}

/** Bars of the same table that need a chain or a browser. */
const ELSEWHERE = {
  sponsored_p95_s: { notMeasured: 'needs a devnet (CIRO_DEVNET_BIN)' },
  chain_once_s: { notMeasured: 'needs a devnet (CIRO_DEVNET_BIN)' },
  link_to_tokens_s: { notMeasured: 'needs a devnet (CIRO_DEVNET_BIN) and a browser' },
};
