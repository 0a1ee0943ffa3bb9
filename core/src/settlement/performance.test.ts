import { hash } from 'starknet';
import { expect, it } from 'vitest';
import { checkPerformance } from './check-performance.ts';
import { hex } from './epoch.ts';
import { climb, proofOf, rootOf } from './epoch-tree.ts';
import { draftPerformance, MAX_COUNT, performanceTree } from './performance.ts';
import type { PerformanceData } from './performance.ts';

const TAG = '0x4349524f2e706572662e7631';
const ENTRIES = [
  { worker: '0xb0', jobs: 7, audits_passed: 2, audits_failed: 0, last_seen: 1_800_000_000 },
  { worker: '0xa', jobs: 0, audits_passed: 0, audits_failed: 1, last_seen: 0 },
  { worker: `0x7${'f'.repeat(62)}`, jobs: MAX_COUNT, audits_passed: MAX_COUNT, audits_failed: 3, last_seen: 2 ** 40 },
];
const made = (entries = ENTRIES): PerformanceData => {
  const draft = draftPerformance({ chainId: '0x534e', pool: '0x77', epoch: 3, entries });
  return { ...draft, root: hex(rootOf(performanceTree(draft))) };
};

it('X11: leaves and nodes are those that starknet.js gives, in rising order of worker', () => {
  const { entries, depth } = made();
  expect(entries.map(({ worker }) => worker)).toEqual(['0xa', '0xb0', ENTRIES[2]?.worker]);
  expect(depth).toBe(2);
  const leaf = ({ worker, jobs, audits_passed, audits_failed, last_seen }: (typeof ENTRIES)[number]): string => hash.computePoseidonHashOnElements([TAG, '0x534e', '0x77', 3, worker, jobs, audits_passed, audits_failed, last_seen]);
  const leaves = [...entries.map(leaf), '0x0'];
  const pair = (left = '', right = ''): string => hash.computePoseidonHash(left, right);
  const root = pair(pair(leaves[0], leaves[1]), pair(leaves[2], leaves[3]));
  const tree = performanceTree(made());
  expect(tree.levels[0]?.map(hex)).toEqual(leaves.slice(0, 3));
  expect(hex(rootOf(tree))).toBe(root);
  for (const [index, each] of (tree.levels[0] ?? []).entries()) expect(hex(climb(each, index, proofOf(tree, index)))).toBe(root);
});

it('X11: another epoch, pool or chain has other leaves for the same figures', () => {
  const roots = [{ epoch: 4 }, { pool: '0x78' }, { chain_id: '0x1' }, {}].map((change) => rootOf(performanceTree({ ...made(), ...change })));
  expect(new Set(roots).size).toBe(4);
});

it('X11: published performance is made again; whatever is changed in it is named', () => {
  const good = made();
  const of = { epoch: 3, chain_id: '0x534e' };
  expect(checkPerformance(of, JSON.parse(JSON.stringify(good)))).toMatchObject({ state: 'ok' });
  const [first, ...rest] = good.entries;
  if (first === undefined) throw new Error('no entries');
  const broken: [string, unknown][] = [
    ['performance.root', { ...good, entries: [{ ...first, audits_failed: 0 }, ...rest] }],
    ['performance.root', { ...good, pool: '0x78' }],
    ['performance.count', { ...good, count: 2 }],
    ['performance.depth', { ...good, depth: 3 }],
    ['performance.entries[0].worker', { ...good, entries: [...rest, first] }],
    ['performance.entries', { ...good, entries: [first, first, ...rest] }],
    ['performance.entries.0.jobs', { ...good, entries: [{ ...first, jobs: 2 ** 32 }, ...rest] }],
    ['performance.epoch', { ...good, epoch: 4 }],
    ['performance.chain_id', { ...good, chain_id: '0x1' }],
    ['performance.format', null],
  ];
  for (const [at, value] of broken) expect(checkPerformance(of, value)).toMatchObject({ state: 'failed', wrong: { at } });
});

it('X11: an epoch without workers, or with one of them twice, is no performance', () => {
  expect(() => made([])).toThrow(RangeError);
  expect(() => made([...ENTRIES, ENTRIES[0] as (typeof ENTRIES)[number]])).toThrow('twice');
});
