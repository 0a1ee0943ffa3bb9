import { grindKey } from '@scure/starknet';
import { fromHex, toHex, utf8 } from '@ciro/core/bytes.ts';
import { identityPublicKey, nodeIdOf, signBinding, signJobRoot } from '@ciro/core/identity/identity.ts';
import type { DeviceBinding, JobRoot } from '@ciro/core/identity/identity.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import { WalletError } from './wallet-error.ts';
import type { KeyStore, StoredKeys } from './key-store.ts';

const SEED_BYTES = 32;
const NONCE_BYTES = 12;
/** Ties the sealed bytes to their purpose. */
const PURPOSE = utf8('ciro/identity/1');
const SEALING = { name: 'AES-GCM', length: 256 } as const;
const DEVICE = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** The platform as the wallet needs it; the window has all of it. */
export interface WalletPlatform {
  readonly secureContext: boolean;
  readonly crypto: Crypto;
  /** Epoch milliseconds. */
  now(): number;
}

/** This browser's identity and device key (PROTOCOL 3). The identity's private key never leaves this object. */
export class Wallet {
  readonly nodeId: NodeId;
  readonly identityPublicKey: string;
  readonly devicePublicKey: string;
  /** Non-extractable; may be cloned into the compute worker. */
  readonly deviceKey: CryptoKey;
  /** `memory`: the browser refused storage, so identity and what it earns end with this tab unless a payout address is linked before. */
  readonly persistence: 'stored' | 'memory';
  readonly #privateKey: string;

  constructor(keys: { privateKey: string; deviceKey: CryptoKey; devicePublicKey: string; persistence: 'stored' | 'memory' }) {
    this.#privateKey = keys.privateKey;
    this.identityPublicKey = identityPublicKey(keys.privateKey);
    this.nodeId = nodeIdOf(this.identityPublicKey);
    this.deviceKey = keys.deviceKey;
    this.devicePublicKey = keys.devicePublicKey;
    this.persistence = keys.persistence;
  }

  /** Identity's signature over this connection's device key; 128 hex digits. */
  signBinding(binding: DeviceBinding): string {
    return signBinding(binding, this.#privateKey);
  }

  /** Identity's signature over the root of a job; 128 hex digits. */
  signRoot(root: JobRoot): string {
    return signJobRoot(root, this.#privateKey);
  }
}

/**
 * Opens the wallet of this browser, making it on the first visit. Falls back to keys in memory when storage is refused.
 * Throws WalletError: see there.
 */
export async function openWallet(store: KeyStore, platform: WalletPlatform): Promise<Wallet> {
  if (!platform.secureContext) throw new WalletError('insecure-context', 'keys need a secure page; open Ciro over https:// or on localhost', { fault: 'platform' });
  // Old browsers lack it although the types promise it.
  const subtle: SubtleCrypto | undefined = platform.crypto.subtle;
  if (subtle === undefined) throw new WalletError('no-web-crypto', 'this browser has no WebCrypto; use a current Chrome, Edge, Firefox or Safari', { fault: 'platform' });
  let stored: StoredKeys | undefined;
  let refused = false;
  try {
    stored = await store.read();
  } catch {
    refused = true; // private mode, blocked site data, a full disk: contribute anyway, for as long as the tab lives
  }
  if (stored !== undefined) return unseal(stored, subtle);
  const made = await makeKeys(platform, subtle);
  if (!refused) {
    try {
      return await unseal(await store.keepFirst(made.keys), subtle);
    } catch (error) {
      if (error instanceof WalletError) throw error;
    }
  }
  const { deviceKey, devicePublicKey } = made.keys;
  return new Wallet({ privateKey: made.privateKey, deviceKey, devicePublicKey, persistence: 'memory' });
}

async function makeKeys(platform: WalletPlatform, subtle: SubtleCrypto): Promise<{ privateKey: string; keys: StoredKeys }> {
  const privateKey = `0x${grindKey(platform.crypto.getRandomValues(new Uint8Array(SEED_BYTES))).padStart(64, '0')}`;
  const nonce = platform.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealingKey = await subtle.generateKey(SEALING, false, ['encrypt', 'decrypt']);
  const sealed = new Uint8Array(await subtle.encrypt(sealingOf(nonce), sealingKey, new Uint8Array(fromHex(privateKey.slice(2)))));
  const device = await subtle.generateKey(DEVICE, false, ['sign', 'verify']);
  const devicePublicKey = toHex(new Uint8Array(await subtle.exportKey('raw', device.publicKey)));
  return { privateKey, keys: { sealingKey, sealed, nonce, deviceKey: device.privateKey, devicePublicKey, createdAt: platform.now() } };
}

async function unseal(keys: StoredKeys, subtle: SubtleCrypto): Promise<Wallet> {
  let opened: ArrayBuffer;
  try {
    opened = await subtle.decrypt(sealingOf(keys.nonce), keys.sealingKey, keys.sealed);
  } catch (cause) {
    throw new WalletError('unreadable', 'this browser holds a worker key that it can no longer open; clear this site\'s data to begin with a new one (what the old key earned stays with it)', { fault: 'platform', cause });
  }
  return new Wallet({ privateKey: `0x${toHex(new Uint8Array(opened))}`, deviceKey: keys.deviceKey, devicePublicKey: keys.devicePublicKey, persistence: 'stored' });
}

const sealingOf = (nonce: Uint8Array<ArrayBuffer>) => ({ name: SEALING.name, iv: nonce, additionalData: new Uint8Array(PURPOSE) });
