import { fromHex, toHex } from '@ciro/core/bytes.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Neighbours and coordinators whose imported keys are kept; the oldest is forgotten first. */
const MAX_KEYS = 32;

/** 64 bytes (r, s) in hex over SHA-256 of `bytes`, by this device's non-extractable key. About 0.1 ms, on another thread. */
export async function signWithDeviceKey(key: CryptoKey, bytes: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.sign(SIGNING, key, bytes.slice())));
}

/** Checks P-256 signatures; imported keys are kept, since a neighbour signs every unit. */
export class SignatureVerifier {
  readonly #keys = new Map<string, Promise<CryptoKey>>();

  /** True when `publicKey` (uncompressed point, hex) signed `bytes`; false on malformed input or a point off the curve. */
  async verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean> {
    try {
      return await crypto.subtle.verify(SIGNING, await this.#key(publicKey), fromHex(signature).slice(), bytes.slice());
    } catch {
      return false; // what is not a key or not a signature has signed nothing
    }
  }

  #key(publicKey: string): Promise<CryptoKey> {
    let key = this.#keys.get(publicKey);
    if (key === undefined) {
      key = crypto.subtle.importKey('raw', fromHex(publicKey).slice(), P256, false, ['verify']);
      this.#keys.set(publicKey, key);
      for (const oldest of this.#keys.keys()) {
        if (this.#keys.size <= MAX_KEYS) break;
        this.#keys.delete(oldest);
      }
    }
    return key;
  }
}
