import { expect, test } from 'vitest';
import { toHex, utf8 } from '@ciro/core/bytes.ts';
import { SignatureVerifier, signWithDeviceKey } from './device-signature.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

async function setup() {
  const pair = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
  return { pair, publicKey: toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))), verifier: new SignatureVerifier() };
}

test('a non-extractable key signs, and only these bytes and this key verify', async () => {
  const { pair, publicKey, verifier } = await setup();
  const other = await setup();
  const signature = await signWithDeviceKey(pair.privateKey, utf8('unit'));
  expect(signature).toMatch(/^[0-9a-f]{128}$/);
  expect(await verifier.verify(publicKey, utf8('unit'), signature)).toBe(true);
  expect(await verifier.verify(publicKey, utf8('Unit'), signature)).toBe(false);
  expect(await verifier.verify(other.publicKey, utf8('unit'), signature)).toBe(false);
});

test.each([
  ['a key that is not hex', 'xyz', '00'.repeat(64)],
  ['a point off the curve', `04${'11'.repeat(64)}`, '00'.repeat(64)],
  ['a signature of another length', undefined, '00'.repeat(63)],
  ['a signature that is not hex', undefined, 'zz'.repeat(64)],
])('%s is false, not an error, also the second time', async (_what, key, signature) => {
  const { publicKey, verifier } = await setup();
  for (let round = 0; round < 2; round++) expect(await verifier.verify(key ?? publicKey, utf8('unit'), signature)).toBe(false);
});
