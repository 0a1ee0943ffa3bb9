import { expect, it } from 'vitest';
import { openEscrow, escrowLine } from './open-escrow.ts';
import type { JobId } from '@ciro/core/ids.ts';

it('without a chain no escrow is served, and nothing is said of it', async () => {
  const said: string[] = [];
  expect(await openEscrow('/nowhere/chain.json', {}, (line) => said.push(line))).toBeUndefined();
  expect(said).toEqual([]);
});

it('says what happens to an escrow, amounts in tokens', () => {
  const job = '0c'.repeat(16) as JobId;
  const lines = ([
    { type: 'started', escrow: '0x7', job },
    { type: 'answered', escrow: '0x7', job, used: 10n ** 18n },
    { type: 'sent', escrow: '0x7', step: 'submit', transaction: '0xab' },
    { type: 'settled', escrow: '0x7', used: 10n ** 18n, returned: 5n * 10n ** 17n },
    { type: 'refunded', escrow: '0x7', returned: 10n ** 18n },
  ] as const).map(escrowLine);
  expect(lines).toEqual([`0x7 started, for job ${job}`, `0x7 answered by job ${job}, which used 1`, '0x7: submit in transaction 0xab', "0x7 settled: 1 to the workers' store, 0.5 back to its client", '0x7 refunded: 1 back to its client']);
});
