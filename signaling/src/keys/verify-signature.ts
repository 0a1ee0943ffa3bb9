import { webcrypto } from 'node:crypto';
import { fromHex } from '@ciro/core/bytes.ts';

/**
 * True when `signature` (64 bytes P1363, hex) over SHA-256 of `bytes` was made by the P-256 key `publicKey` (uncompressed
 * point, hex). About 0.2 ms with the import of the key; false on malformed input or a point off the curve, never a throw.
 */
export async function verifySignature(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> {
  try {
    const key = await webcrypto.subtle.importKey('raw', Uint8Array.from(fromHex(publicKey)), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
    return await webcrypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, Uint8Array.from(fromHex(signature)), Uint8Array.from(bytes));
  } catch {
    return false; // what is not a key or not a signature has signed nothing
  }
}
