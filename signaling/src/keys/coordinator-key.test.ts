import { expect, it } from 'vitest';
import { utf8 } from '@ciro/core/bytes.ts';
import { generateCoordinatorKey, importCoordinatorKey } from './coordinator-key.ts';
import { verifySignature } from './verify-signature.ts';

const bytes = utf8('a plan');

it('P2: a signature verifies under the announced public key and under no other', async () => {
  const key = await generateCoordinatorKey();
  const other = await generateCoordinatorKey();
  const signature = await key.sign(bytes);
  expect(key.publicKey).toMatch(/^04[0-9a-f]{128}$/);
  expect(signature).toMatch(/^[0-9a-f]{128}$/);
  expect(await verifySignature(key.publicKey, bytes, signature)).toBe(true);
  expect(await verifySignature(other.publicKey, bytes, signature)).toBe(false);
  expect(await verifySignature(key.publicKey, utf8('a plam'), signature)).toBe(false);
});

it('a key that was exported and imported is the same key', async () => {
  const key = await generateCoordinatorKey();
  const again = await importCoordinatorKey(await key.exportJwk());
  expect(again.publicKey).toBe(key.publicKey);
  expect(await verifySignature(key.publicKey, bytes, await again.sign(bytes))).toBe(true);
});

it('a stored key that is no private P-256 key is refused by name', async () => {
  const { kty = '', crv = '', x = '', y = '' } = await (await generateCoordinatorKey()).exportJwk();
  for (const jwk of [{}, { kty, crv, x, y }, { kty, crv, x, y, d: 'AAAA' }]) {
    await expect(importCoordinatorKey(jwk)).rejects.toMatchObject({ code: 'bad-key' });
  }
});

it('what is no signature, no key or no point of the curve verifies nothing and throws nothing', async () => {
  const key = await generateCoordinatorKey();
  const signature = await key.sign(bytes);
  const offCurve = `04${'11'.repeat(64)}`;
  for (const [publicKey, text] of [[key.publicKey, ''], [key.publicKey, 'zz'], [key.publicKey, '00'.repeat(64)], ['', signature], [offCurve, signature]] as const) {
    expect(await verifySignature(publicKey, bytes, text)).toBe(false);
  }
});
