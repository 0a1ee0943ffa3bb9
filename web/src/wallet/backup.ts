import * as v from 'valibot';
import { fromHex, toHex, utf8 } from '@ciro/core/bytes.ts';
import { IdentityPublicKey } from '@ciro/core/ids.ts';
import { identityPublicKey } from '@ciro/core/identity/identity.ts';
import { MIN_PASSPHRASE } from './passphrase.ts';
import { WalletError } from './wallet-error.ts';

/** Iterations of PBKDF2-HMAC-SHA-256: the OWASP Password Storage Cheat Sheet's number. Some 0.2 s on a desktop, a second on a phone. */
export const KDF_ITERATIONS = 600_000;
/** A file that asks for more is refused: it would keep a phone busy for a minute. */
const MAX_KDF_ITERATIONS = 20_000_000;
/** A backup has some 600 characters. */
const MAX_BACKUP_CHARACTERS = 4_096;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const PRIVATE_KEY_BYTES = 32;
const GCM_TAG_BYTES = 16;
const FORMAT = 'ciro/identity-backup/1';

const Hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `expected ${bytes} bytes in hex`));
const Backup = v.strictObject({
  format: v.literal(FORMAT),
  identityPublicKey: IdentityPublicKey,
  kdf: v.strictObject({ name: v.literal('PBKDF2-HMAC-SHA-256'), iterations: v.pipe(v.number(), v.safeInteger(), v.minValue(KDF_ITERATIONS), v.maxValue(MAX_KDF_ITERATIONS)), salt: Hex(SALT_BYTES) }),
  cipher: v.literal('AES-256-GCM'),
  nonce: Hex(NONCE_BYTES),
  sealed: Hex(PRIVATE_KEY_BYTES + GCM_TAG_BYTES),
});

/** Seals a private key (0x hex) under a passphrase; the text of a file. Throws `weak-passphrase`. */
export async function sealBackup(privateKey: string, passphrase: string, crypto: Crypto): Promise<string> {
  if ([...passphrase].length < MIN_PASSPHRASE) throw new WalletError('weak-passphrase', `the passphrase has fewer than ${MIN_PASSPHRASE} characters; use a longer one, some words for example`, { fault: 'user' });
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const publicKey = identityPublicKey(privateKey);
  const key = await keyOf(passphrase, salt, KDF_ITERATIONS, crypto.subtle);
  const plain = new Uint8Array(fromHex(privateKey.slice(2).padStart(PRIVATE_KEY_BYTES * 2, '0')));
  const sealed = new Uint8Array(await crypto.subtle.encrypt(sealingOf(nonce, publicKey), key, plain));
  plain.fill(0);
  return `${JSON.stringify({ format: FORMAT, identityPublicKey: publicKey, kdf: { name: 'PBKDF2-HMAC-SHA-256', iterations: KDF_ITERATIONS, salt: toHex(salt) }, cipher: 'AES-256-GCM', nonce: toHex(nonce), sealed: toHex(sealed) }, undefined, 2)}\n`;
}

/** Private key (0x hex, 64 digits) and public key of a backup. Throws `bad-backup` or `wrong-passphrase`. */
export async function openBackup(text: string, passphrase: string, crypto: Crypto): Promise<{ readonly privateKey: string; readonly identityPublicKey: string }> {
  const parsed = v.safeParse(v.pipe(v.string(), v.maxLength(MAX_BACKUP_CHARACTERS, 'it is too long'), v.parseJson(undefined, 'it is no JSON'), Backup), text);
  if (!parsed.success) throw badBackup(`${v.getDotPath(parsed.issues[0]) ?? 'the file'}: ${parsed.issues[0].message}`.slice(0, 200));
  const { kdf, nonce, sealed, identityPublicKey: told } = parsed.output;
  const key = await keyOf(passphrase, new Uint8Array(fromHex(kdf.salt)), kdf.iterations, crypto.subtle);
  let opened: Uint8Array;
  try {
    opened = new Uint8Array(await crypto.subtle.decrypt(sealingOf(new Uint8Array(fromHex(nonce)), told), key, new Uint8Array(fromHex(sealed))));
  } catch (cause) {
    throw new WalletError('wrong-passphrase', 'the passphrase is not the one of this backup, or the file was changed; nothing was imported', { fault: 'user', cause });
  }
  const privateKey = `0x${toHex(opened)}`;
  if (publicKeyOf(privateKey) !== told) throw badBackup('it holds another key than it says');
  return { privateKey, identityPublicKey: told };
}

function publicKeyOf(privateKey: string): string | undefined {
  try {
    return identityPublicKey(privateKey);
  } catch {
    return undefined; // zero, or beyond the curve's order
  }
}

async function keyOf(passphrase: string, salt: Uint8Array<ArrayBuffer>, iterations: number, subtle: SubtleCrypto): Promise<CryptoKey> {
  // One text a passphrase, however a keyboard composes its letters.
  const material = await subtle.importKey('raw', new Uint8Array(utf8(passphrase.normalize('NFKC'))), 'PBKDF2', false, ['deriveKey']);
  return subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

const sealingOf = (nonce: Uint8Array<ArrayBuffer>, publicKey: string) => ({ name: 'AES-GCM', iv: nonce, additionalData: new Uint8Array(utf8(`${FORMAT}\0${publicKey}`)) });
const badBackup = (what: string): WalletError => new WalletError('bad-backup', `this is no backup of a worker key (${what}); choose the file that was exported`, { fault: 'user' });
