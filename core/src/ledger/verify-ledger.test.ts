import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GENESIS_HASH } from './entry.ts';
import { headOf, linksOf } from './head.ts';
import { verifyLedger } from './verify-ledger.ts';
import { ledger } from './ledger.fixture.ts';
import type { LedgerEntry } from './entry.ts';

const SEED = 20_311;
const KEY = `04${'ab'.repeat(64)}`;
/** By Python: hashlib.sha256(bytes.fromhex('04' + 'ab' * 64)).hexdigest()[:8]. */
const NETWORK = 'ciro-8a2c854a';
const SIGNATURE = '7'.repeat(128);

const signed = (entry: LedgerEntry | undefined, network = NETWORK) => ({ body: headOf(network, entry ?? { sequence: 0, hash: GENESIS_HASH }, 5), signature: SIGNATURE });
const entries = ledger(6);
const links = linksOf(entries);
const good = { object: 'ledger', heads: [signed(entries[2]), signed(entries[5])], links };
const ports = { verifySignature: async (key: string, _bytes: Uint8Array, signature: string) => key === KEY && signature === SIGNATURE };

it('B1: a chain with heads on it verifies; signatures are checked when the key is known', async () => {
  expect((await verifyLedger(good, ports)).checks.map(({ name, state }) => `${name}: ${state}`)).toEqual(['format: ok', 'chain: ok', 'heads: ok', 'signatures: not checked']);
  expect((await verifyLedger(good, { ...ports, coordinatorKey: KEY })).checks.at(-1)).toMatchObject({ name: 'signatures', state: 'ok' });
});

const other = ledger(6, 9);
it.each<[string, unknown, string]>([
  ['nothing', undefined, 'ledger'],
  ['a surplus field', { ...good, extra: 1 }, 'extra'],
  ['no head', { ...good, heads: [] }, 'heads'],
  ['a link that is missing', { ...good, links: links.filter((_, index) => index !== 1) }, 'links[1]'],
  ['a beginning that is missing', { ...good, links: links.slice(1) }, 'links[0]'],
  ['links that end before the head', { ...good, links: links.slice(0, 4) }, 'links[4]'],
  ['a changed content', { ...good, links: links.map((link, index) => (index === 3 ? { ...link, content: 'f'.repeat(64) } : link)) }, 'links[3]'],
  ['a head of a second ledger', { ...good, heads: [signed(other[4]), signed(entries[5])] }, 'heads[0].body.hash'],
  ['a head of another network', { ...good, heads: [signed(entries[2]), signed(entries[5], 'ciro-other')] }, 'heads[1].body.network'],
  ['a signature by another key', { ...good, heads: [signed(entries[5]), { ...signed(entries[2]), signature: '8'.repeat(128) }] }, 'heads[1].signature'],
])('B2: %s fails, and the report names it', async (_what, value, at) => {
  const report = await verifyLedger(value, { ...ports, coordinatorKey: KEY });
  expect(report.verdict).toBe('failed');
  expect(report.first?.at).toBe(at);
});

it(`B1: hostile text never throws (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), fc.constantFrom('heads', 'links', 'object'), async (junk, field) => {
      expect((await verifyLedger({ ...good, [field]: junk }, ports)).verdict).toBe('failed');
      expect((await verifyLedger(junk, ports)).verdict).toBe('failed');
    }),
    { seed: SEED, numRuns: 200 },
  );
});
