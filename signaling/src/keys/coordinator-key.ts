import { webcrypto } from 'node:crypto';
import { toHex } from '@ciro/core/bytes.ts';
import { KeyError } from './key-error.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** The coordinator's P-256 key: signs plans, and acknowledges the units of one-stage plans (SPEC P2, R2). */
export interface CoordinatorKey {
  /** Uncompressed point, 65 bytes in hex: what `challenge` announces. */
  readonly publicKey: string;
  /** ECDSA over SHA-256 of `bytes`, IEEE P1363 form: 64 bytes in hex. About 0.1 ms. */
  sign(bytes: Uint8Array): Promise<string>;
  /** The private key as JWK, for the data folder; `importCoordinatorKey` reads it back. */
  exportJwk(): Promise<webcrypto.JsonWebKey>;
}

/** A fresh key. Workers that are connected trust the key of their challenge, so it is kept over restarts. */
export async function generateCoordinatorKey(): Promise<CoordinatorKey> {
  const pair = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  return fromPair(pair.privateKey, await webcrypto.subtle.exportKey('jwk', pair.privateKey));
}

/** Reads back what `exportJwk` gave; throws `bad-key` when it is not a private P-256 key. */
export async function importCoordinatorKey(jwk: webcrypto.JsonWebKey): Promise<CoordinatorKey> {
  try {
    return await fromPair(await webcrypto.subtle.importKey('jwk', jwk, CURVE, true, ['sign']), jwk);
  } catch (cause) {
    throw new KeyError('bad-key', 'the stored coordinator key is not a private P-256 key; restore the data folder from a backup, or delete the key to make a new one', { fault: 'platform', cause });
  }
}

async function fromPair(privateKey: webcrypto.CryptoKey, jwk: webcrypto.JsonWebKey): Promise<CoordinatorKey> {
  const { kty = '', crv = '', x = '', y = '' } = jwk;
  const publicKey = await webcrypto.subtle.importKey('jwk', { kty, crv, x, y }, CURVE, true, ['verify']);
  return {
    publicKey: toHex(new Uint8Array(await webcrypto.subtle.exportKey('raw', publicKey))),
    sign: async (bytes) => toHex(new Uint8Array(await webcrypto.subtle.sign(SIGNATURE, privateKey, Uint8Array.from(bytes)))),
    exportJwk: () => webcrypto.subtle.exportKey('jwk', privateKey),
  };
}
