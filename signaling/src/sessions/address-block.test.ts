import { expect, it } from 'vitest';
import { addressBlock } from './address-block.ts';

const blocks: readonly (readonly [address: string, block: string])[] = [
  ['192.168.1.7', '192.168.1.7'],
  ['::ffff:192.168.1.7', '192.168.1.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::1', '2001:db8:1:2'],
  ['2001:0db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['2001:DB8:1:2::', '2001:db8:1:2'],
];

it.each(blocks)('%s counts as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});
