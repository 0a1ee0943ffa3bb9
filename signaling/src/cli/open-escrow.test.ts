import { expect, it } from 'vitest';
import { openEscrow, escrowLine } from './open-escrow.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ChainFile } from '../chain/chain-settings.ts';

const FELT = '0x7';
const FILE: ChainFile = {
  network: 'sepolia',
  rpc: 'http://127.0.0.1:1/rpc',
  chainId: 'SN_SEPOLIA',
  addresses: { CiroToken: FELT, CommitmentStore: '0x5', CdcPool: FELT, JobManager: '0x6', DisputeCourt: FELT, Paymaster: FELT },
  classHashes: { CommitmentStore: FELT },
  tokens: { stake: FELT },
  roles: { settler: FELT, relayer: FELT, coordinator: '0xc0' },
};

it('without the key of the coordinator no escrow is served, and one line names the setting', async () => {
  const said: string[] = [];
  expect(await openEscrow(FILE, {}, (line) => said.push(line))).toBeUndefined();
  expect(said).toEqual(['no escrows are served: CIRO_COORDINATOR_KEY does not give the key of coordinator 0xc0']);
});

it('with it the funded jobs of the file\'s contract are, once its chain is ready', async () => {
  const ready = Promise.resolve();
  const options = await openEscrow(FILE, { CIRO_COORDINATOR_KEY: '0x9' }, () => {}, ready);
  expect(options).toMatchObject({ rpc: FILE.rpc, jobManager: '0x6', store: '0x5', sender: { address: '0xc0', privateKey: '0x9' }, ready });
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
