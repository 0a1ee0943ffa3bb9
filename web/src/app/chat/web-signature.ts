import { fromHex } from '@ciro/core/bytes.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A verifier for one run of checks, by this browser's own cryptography: keys are imported once, anything malformed has signed nothing. */
export function webSignatures(subtle: SubtleCrypto): (publicKey: string, bytes: Uint8Array, signature: string) => Promise<boolean> {
  const keys = new Map<string, Promise<CryptoKey>>();
  const keyOf = (publicKey: string): Promise<CryptoKey> => {
    const known = keys.get(publicKey) ?? subtle.importKey('raw', fromHex(publicKey).slice(), P256, false, ['verify']);
    keys.set(publicKey, known);
    return known;
  };
  return async (publicKey, bytes, signature) => {
    try {
      return await subtle.verify(SIGNING, await keyOf(publicKey), fromHex(signature).slice(), bytes.slice());
    } catch {
      return false;
    }
  };
}
