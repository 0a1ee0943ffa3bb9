import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { IdentityPublicKey } from '../ids.ts';
import { identityPublicKey, nodeIdOf, signBinding, signJobRoot, verifyBinding, verifyJobRoot } from './identity.ts';

const SEED = 20_265;
/** Key pair of StarkWare's own test of the curve (cairo-lang, signature_test_data.json). */
const privateKey = '0x139fe4d6f02e666e86a6f58e65060f115cd3c185bd9e98bd829636931458f79';
const publicKey = identityPublicKey(privateKey);
const binding = { network: 'ciro-test', devicePublicKey: `04${'b2'.repeat(64)}`, challenge: 'a1'.repeat(32) };
const root = { network: 'ciro-test', job: 'c3'.repeat(16), planHash: '01'.repeat(32), stage: 2, root: '0xabc' };

it('K1: keys and signatures are the same everywhere: golden values', () => {
  expect(publicKey).toBe('0x2c5dbad71c92a45cc4b40573ae661f8147869a91d57b8d9b8f48c8af7f83159');
  // Checked by the ECDSA equation in plain Python integers; the nonce is deterministic (RFC 6979).
  expect(signBinding(binding, privateKey)).toBe('00e58d97f8c6258da137d581a39f726e0b36cb8d90079d84d52907dd0134d83206aeea70c154eb81cb85564898f29556642dfac43c19a7b230cfb53653fbd559');
});

it('K1: the public keys of many private keys are texts that the wire takes, and their signatures verify', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 250n }), (key) => {
      const secret = `0x${key.toString(16)}`;
      const open = identityPublicKey(secret);
      expect(v.is(IdentityPublicKey, open)).toBe(true);
      expect(verifyBinding(binding, signBinding(binding, secret), open)).toBe(true);
    }),
    { seed: SEED, numRuns: 40 },
  );
});

it('K2: a node id is 20 bytes of the hash of the public key text', () => {
  // By Python: sha256(public_key.encode()).digest()[:20].hex().
  expect(nodeIdOf(publicKey)).toBe('8cd077ca6ef1089bd4f9c9d3110c3992a66c983f');
  expect(nodeIdOf(publicKey)).toMatch(/^[0-9a-f]{40}$/);
});

it('K3: a binding holds for its network, device key and challenge only, and for its identity only', () => {
  const signature = signBinding(binding, privateKey);
  expect(verifyBinding(binding, signature, publicKey)).toBe(true);
  expect(verifyBinding({ ...binding, network: 'other' }, signature, publicKey)).toBe(false);
  expect(verifyBinding({ ...binding, devicePublicKey: `04${'b3'.repeat(64)}` }, signature, publicKey)).toBe(false);
  expect(verifyBinding({ ...binding, challenge: 'a2'.repeat(32) }, signature, publicKey)).toBe(false);
  expect(verifyBinding(binding, signature, identityPublicKey('0x5'))).toBe(false);
});

it('K4: a root holds for its network, job, plan, stage and value only', () => {
  const signature = signJobRoot(root, privateKey);
  expect(verifyJobRoot(root, signature, publicKey)).toBe(true);
  for (const change of [{ network: 'other' }, { job: 'c4'.repeat(16) }, { planHash: '02'.repeat(32) }, { stage: 1 }, { root: '0xabd' }]) {
    expect(verifyJobRoot({ ...root, ...change }, signature, publicKey)).toBe(false);
  }
});

it('K3, K4: a signature of one kind is none of the other', () => {
  const forged = { ...binding, ...root };
  expect(verifyBinding(forged, signJobRoot(forged, privateKey), publicKey)).toBe(false);
  expect(verifyJobRoot(forged, signBinding(forged, privateKey), publicKey)).toBe(false);
});

it(`K1: what is no key or no signature verifies nothing and throws nothing (seed ${SEED})`, () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^(0x)?[0-9a-f]{0,130}$/), fc.constantFrom('', '0x', '0x0', `0x${'f'.repeat(64)}`, '0'.repeat(128), 'f'.repeat(128), publicKey));
  fc.assert(
    fc.property(text, text, (signature, key) => {
      expect(verifyBinding(binding, signature, key)).toBe(false);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

it('K1: a signature with one flipped bit verifies no more', () => {
  const signature = signBinding(binding, privateKey);
  fc.assert(
    fc.property(fc.nat(511), (bit) => {
      const bytes = Buffer.from(signature, 'hex');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyBinding(binding, bytes.toString('hex'), publicKey)).toBe(false);
    }),
    { seed: SEED, numRuns: 60 },
  );
});
