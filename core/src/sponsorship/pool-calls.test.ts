import { expect, it } from 'vitest';
import { approveCall, capabilityHash, poolCalls } from './pool-calls.ts';

it('Q6: staking allows the amount and stakes it in one transaction; halves of a u256 come low first', () => {
  const amount = (3n << 128n) + 5n;
  expect(poolCalls('0x70').stake('0x71', 7n)).toEqual([{ contractAddress: '0x71', entrypoint: 'approve', calldata: ['0x70', '0x7', '0x0'] }, { contractAddress: '0x70', entrypoint: 'stake', calldata: ['0x7'] }]);
  expect(approveCall('0x71', '0x70', amount).calldata).toEqual(['0x70', '0x5', '0x3']);
  expect(poolCalls('0x70').register('0xca', '0xb0')).toEqual([{ contractAddress: '0x70', entrypoint: 'register', calldata: ['0xca', '0xb0'] }]);
  expect(poolCalls('0x70').deregister()).toEqual([{ contractAddress: '0x70', entrypoint: 'deregister', calldata: [] }]);
});

it('Q6: a capability has one hash, in the field', () => {
  expect(capabilityHash({ engine: 'wasm', memory: 4 })).toBe(capabilityHash({ memory: 4, engine: 'wasm' }));
  expect(capabilityHash({ engine: 'wasm' })).not.toBe(capabilityHash({ engine: 'webgpu' }));
  expect(BigInt(capabilityHash('')) < 1n << 251n).toBe(true);
});
