import { expect, it } from 'vitest';
import * as v from 'valibot';
import { ChainDoor, PublicDoor } from './chain-door.ts';

const DOOR = {
  network: 'devnet',
  chainId: '0x534e5f5345504f4c4941',
  rpc: 'http://127.0.0.1:5050/rpc',
  token: '0x1',
  store: '0x2',
  pool: '0x3',
  jobManager: '0x4',
  court: '0x5',
  forwarder: '0x6',
  accountClass: '0x7',
  stakeToken: '0x8',
};

it('Y6: has one text for one address, and drops what it does not know', () => {
  expect(v.parse(ChainDoor, { ...DOOR, token: '0x00AB', surplus: 'key' })).toEqual({ ...DOOR, token: '0xab' });
});

it.each([
  ['no forwarder', { forwarder: undefined }],
  ['a zero address', { store: '0x0' }],
  ['an address outside of the field', { store: `0x${(2n ** 251n + 17n * 2n ** 192n + 1n).toString(16)}` }],
  ['an address in decimal', { pool: '17' }],
  ['a node that is no web address', { rpc: 'file:///etc/passwd' }],
  ['a network name with markup', { network: '<b>' }],
])('Y6: %s is refused', (_what, change) => {
  expect(v.safeParse(ChainDoor, { ...DOOR, ...change }).success).toBe(false);
});

it('Y6: what clients are told may lack a node, and nothing else', () => {
  const { rpc: _rpc, ...door } = DOOR;
  expect(v.parse(PublicDoor, door)).toEqual(door);
  expect(v.safeParse(ChainDoor, door).success).toBe(false);
  expect(v.safeParse(PublicDoor, { ...DOOR, rpc: 'ftp://node' }).success).toBe(false);
  const { store: _store, ...rest } = DOOR;
  expect(v.safeParse(PublicDoor, rest).success).toBe(false);
});
