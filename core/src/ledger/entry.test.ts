import { expect, it } from 'vitest';
import { domainHash } from '../canonical-json.ts';
import { contentHashOf, GENESIS_HASH, replay, sealEntry } from './entry.ts';
import type { EntryDraft, LedgerEntry } from './entry.ts';

const issue: EntryDraft = { kind: 'issue', key: 'genesis', job: null, at: 1_000, lines: [{ account: 'issued', amount: -(10n ** 30n) }, { account: 'pool', amount: 10n ** 30n }] };
const trial: EntryDraft = { kind: 'trial', key: 'trial:ada', job: null, at: 2_000, lines: [{ account: 'pool', amount: -7n }, { account: 'requester:ada', amount: 7n }] };

function chain(...drafts: readonly EntryDraft[]): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const draft of drafts) entries.push(sealEntry(draft, entries.length, entries.at(-1)?.hash ?? GENESIS_HASH));
  return entries;
}

it('seals an entry with a hash over its number, the previous hash and the hash of every field, amounts as decimal text (SPEC M4, B1)', () => {
  const [first] = chain(issue);
  const lines = [{ account: 'issued', amount: `-1${'0'.repeat(30)}` }, { account: 'pool', amount: `1${'0'.repeat(30)}` }];
  const content = domainHash('ciro/ledger-content/1', { kind: 'issue', key: 'genesis', job: null, at: 1_000, lines });
  expect(contentHashOf(issue)).toBe(content);
  expect(first?.hash).toBe(domainHash('ciro/ledger/2', { sequence: 0, previous: GENESIS_HASH, content }));
  // By Python: sha256(b'ciro/ledger/2\0' + json.dumps(link, sort_keys=True, separators=(',', ':')).encode()).
  expect(first?.hash).toBe('b0a9929ee1031923e30691fbb80262ebf4bb6b58e0361ccf498cf4b9c3983fed');
});

it('refuses lines that do not sum to zero, naming the entry and the sum (SPEC M4)', () => {
  const lopsided: EntryDraft = { ...trial, lines: [{ account: 'pool', amount: -7n }, { account: 'requester:ada', amount: 8n }] };
  expect(() => sealEntry(lopsided, 1, GENESIS_HASH)).toThrow('entry trial:ada sums to 1 base units instead of 0');
});

it('replays a chain to its balances (SPEC M4)', () => {
  expect(replay(chain(issue, trial))).toEqual(new Map([['issued', -(10n ** 30n)], ['pool', 10n ** 30n - 7n], ['requester:ada', 7n]]));
  expect(replay([])).toEqual(new Map());
});

const changes: readonly (readonly [what: string, change: (entry: LedgerEntry) => LedgerEntry])[] = [
  ['a time', (entry) => ({ ...entry, at: entry.at + 1 })],
  ['a key', (entry) => ({ ...entry, key: `${entry.key}!` })],
  ['a kind', (entry) => ({ ...entry, kind: 'void' })],
  ['both amounts', (entry) => ({ ...entry, lines: entry.lines.map(({ account, amount }) => ({ account, amount: amount * 2n })) })],
  ['the order of the lines', (entry) => ({ ...entry, lines: [...entry.lines].reverse() })],
  ['the previous hash', (entry) => ({ ...entry, previous: 'f'.repeat(64) })],
  ['the number', (entry) => ({ ...entry, sequence: entry.sequence + 1 })],
  ['the hash', (entry) => ({ ...entry, hash: 'f'.repeat(64) })],
];

it.each(changes)('replay finds a change of %s (SPEC M4)', (_what, change) => {
  const [first, second] = chain(issue, trial) as [LedgerEntry, LedgerEntry];
  expect(() => replay([first, change(second)])).toThrow(/does not follow from the 1 entries before it/);
  expect(() => replay([change(first), second])).toThrow(/does not follow from the 0 entries before it/);
});

it('replay finds a missing entry and two that changed places (SPEC M4)', () => {
  const [first, second, third] = chain(issue, trial, { ...trial, key: 'trial:bob' }) as [LedgerEntry, LedgerEntry, LedgerEntry];
  for (const broken of [[second, third], [first, third], [first, third, second]]) expect(() => replay(broken)).toThrow(/does not follow/);
});
