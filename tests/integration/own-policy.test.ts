import { SPONSORED } from '@ciro/contracts/chain/plan.ts';
import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { ownPolicy } from '@ciro/signaling/chain/own-policy.ts';
import { expect, it } from 'vitest';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';

const DOOR: ChainDoor = { network: 'devnet', chainId: '0x1', rpc: 'http://127.0.0.1:1/', token: '0x2', store: '0x3', pool: '0x4', jobManager: '0x5', court: '0x6', forwarder: '0x7', accountClass: ACCOUNT_CLASS_HASH, stakeToken: '0x8' };
const NAMES: Readonly<Record<string, string>> = { '0x2': 'CiroToken', '0x3': 'CommitmentStore', '0x4': 'CdcPool', '0x5': 'JobManager', '0x6': 'DisputeCourt', '0x8': 'stake token' };

it('the relayer pays for exactly what the Paymaster contract is deployed to let through', () => {
  const { calls } = ownPolicy(DOOR, { local: true });
  const relayed = calls.flatMap(({ to, entrypoints }) => entrypoints.map((entrypoint) => `${NAMES[to]}.${entrypoint}`));
  expect(relayed.sort()).toEqual(SPONSORED.map(([name, entrypoint]) => `${name}.${entrypoint}`).sort());
});
