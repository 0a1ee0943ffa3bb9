import { grindKey, sign } from '@scure/starknet';
import { fromHex, toHex, utf8 } from '@ciro/core/bytes.ts';
import { identityPublicKey, nodeIdOf, signBinding, signJobRoot } from '@ciro/core/identity/identity.ts';
import type { DeviceBinding, JobRoot } from '@ciro/core/identity/identity.ts';
import { signPayoutChange, MAX_CHANGE_VALID_S } from '@ciro/core/settlement/payout-change.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import { sealBackup } from './backup.ts';
import { CLOCK_SLACK_S, MAX_BOUNDS_S } from './check-outside-execution.ts';
import { outsideExecutionHash } from './outside-execution-hash.ts';
import { WalletError } from './wallet-error.ts';
import type { EarlierKeys, KeyStore, StoredKeys } from './key-store.ts';
import type { OutsideExecution } from './outside-execution-hash.ts';

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

/** This browser's identity and device key (PROTOCOL 3). The identity's private key leaves this object only sealed under a passphrase. */
export class Wallet {
  readonly nodeId: NodeId;
  readonly identityPublicKey: string;
  readonly devicePublicKey: string;
  /** Non-extractable; may be cloned into the compute worker. */
  readonly deviceKey: CryptoKey;
  /** `memory`: the browser refused storage, so identity and what it earns end with this tab unless a payout address is linked before. */
  readonly persistence: 'stored' | 'memory';
  /** Address of the account that the identity owns (SPEC X6), deployed or not. */
  readonly account: string;
  /** Epoch milliseconds of the newest copy elsewhere; null when there is none. */
  readonly backedUpAt: number | null;
  /** As they are at rest; a wallet in memory has none. */
  readonly stored: StoredKeys | undefined;
  readonly #privateKey: string;
  readonly #platform: WalletPlatform;

  constructor(keys: { privateKey: string; deviceKey: CryptoKey; devicePublicKey: string; stored: StoredKeys | undefined }, platform: WalletPlatform) {
    this.#privateKey = keys.privateKey;
    this.#platform = platform;
    this.identityPublicKey = identityPublicKey(keys.privateKey);
    this.nodeId = nodeIdOf(this.identityPublicKey);
    this.deviceKey = keys.deviceKey;
    this.devicePublicKey = keys.devicePublicKey;
    this.stored = keys.stored;
    this.persistence = keys.stored === undefined ? 'memory' : 'stored';
    this.backedUpAt = keys.stored?.backedUpAt ?? null;
    this.account = payoutAddress(this.identityPublicKey);
  }

  /** Identity's signature over this connection's device key; 128 hex digits. */
  signBinding(binding: DeviceBinding): string {
    return signBinding(binding, this.#privateKey);
  }

  /** Identity's signature over the root of a job; 128 hex digits. */
  signRoot(root: JobRoot): string {
    return signJobRoot(root, this.#privateKey);
  }

  /** Identity's signature over a change of its own payout account, for at most an hour; 128 hex digits. Anything else throws `not-ours`. */
  signPayoutChange(change: PayoutChange): string {
    if (change.worker !== this.identityPublicKey) throw new WalletError('not-ours', `this identity is ${this.identityPublicKey}, and the change is of ${change.worker.slice(0, 80)}`, { fault: 'bug' });
    const present = Math.floor(this.#platform.now() / 1000);
    if (change.validUntil > present + MAX_CHANGE_VALID_S) throw new WalletError('not-ours', `this change could be handed in until ${change.validUntil}, more than an hour from ${present}; nothing was signed`, { fault: 'bug' });
    return signPayoutChange(change, this.#privateKey);
  }

  /**
   * Signature (r, s; 0x hex) over an outside execution of this identity's own account, for at most an hour. Anything else throws `not-ours`:
   * this object signs no hash that it did not make itself.
   */
  signOutside(execution: OutsideExecution, account: string): [string, string] {
    if (account !== this.account) throw new WalletError('not-ours', `this identity owns account ${this.account}, not ${account.slice(0, 80)}`, { fault: 'bug' });
    const present = BigInt(Math.floor(this.#platform.now() / 1000));
    if (execution.before > present + BigInt(MAX_BOUNDS_S + CLOCK_SLACK_S)) throw new WalletError('not-ours', `this could be executed until ${execution.before}, more than an hour from ${present}; nothing was signed`, { fault: 'peer' });
    const { r, s } = sign(`0x${outsideExecutionHash(execution, BigInt(account)).toString(16)}`, this.#privateKey);
    return [`0x${r.toString(16)}`, `0x${s.toString(16)}`];
  }

  /** The identity as the text of a file, sealed under a passphrase. Throws `weak-passphrase`. */
  exportBackup(passphrase: string): Promise<string> {
    return sealBackup(this.#privateKey, passphrase, this.#platform.crypto);
  }
}

/**
 * Opens the wallet of this browser, making it on the first visit. Falls back to keys in memory when storage is refused.
 * Throws WalletError: see there.
 */
export async function openWallet(store: KeyStore, platform: WalletPlatform): Promise<Wallet> {
  requirePlatform(platform);
  let stored: StoredKeys | undefined;
  let refused = false;
  try {
    stored = await store.read();
  } catch {
    refused = true; // private mode, blocked site data, a full disk: contribute anyway, for as long as the tab lives
  }
  if (stored !== undefined) return unseal(stored, platform);
  const made = await makeKeys(platform);
  if (!refused) {
    try {
      return await unseal(await store.keepFirst(made.keys), platform);
    } catch (error) {
      if (error instanceof WalletError) throw error;
    }
  }
  return new Wallet({ privateKey: made.privateKey, deviceKey: made.keys.deviceKey, devicePublicKey: made.keys.devicePublicKey, stored: undefined }, platform);
}

/** The wallet that is there; undefined where there is none, or the browser refuses storage. Makes nothing. Throws `unreadable`. */
export async function findWallet(store: KeyStore, platform: WalletPlatform): Promise<Wallet | undefined> {
  requirePlatform(platform);
  const stored = await store.read().catch(() => undefined);
  return stored === undefined ? undefined : unseal(stored, platform);
}

/**
 * Puts an identity in the place of the present one, with a device key of its own; the present one stays among the earlier. It is read back and
 * opened before it counts. Throws `not-kept`, and then the present one is as it was.
 */
export async function moveIn(store: KeyStore, platform: WalletPlatform, privateKey: string, before: EarlierKeys | undefined): Promise<Wallet> {
  const made = await makeKeys(platform, privateKey);
  const keys: StoredKeys = { ...made.keys, backedUpAt: platform.now() };
  const wallet = await unseal(keys, platform);
  try {
    await store.replace(keys, wallet.identityPublicKey, before);
  } catch (cause) {
    throw new WalletError('not-kept', 'this browser refuses to keep data (a private window does that), so no identity can be moved into it', { fault: 'platform', cause });
  }
  return wallet;
}

/** Throws `insecure-context` or `no-web-crypto`. */
function requirePlatform({ secureContext, crypto }: WalletPlatform): void {
  if (!secureContext) throw new WalletError('insecure-context', 'keys need a secure page; open Ciro over https:// or on localhost', { fault: 'platform' });
  // Old browsers lack it although the types promise it.
  const subtle: SubtleCrypto | undefined = crypto.subtle;
  if (subtle === undefined) throw new WalletError('no-web-crypto', 'this browser has no WebCrypto; use a current Chrome, Edge, Firefox or Safari', { fault: 'platform' });
}

async function makeKeys({ crypto, now }: WalletPlatform, given?: string): Promise<{ privateKey: string; keys: StoredKeys }> {
  const { subtle } = crypto;
  const privateKey = given ?? `0x${grindKey(crypto.getRandomValues(new Uint8Array(SEED_BYTES))).padStart(64, '0')}`;
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealingKey = await subtle.generateKey(SEALING, false, ['encrypt', 'decrypt']);
  const plain = new Uint8Array(fromHex(privateKey.slice(2)));
  const sealed = new Uint8Array(await subtle.encrypt(sealingOf(nonce), sealingKey, plain));
  plain.fill(0);
  const device = await subtle.generateKey(DEVICE, false, ['sign', 'verify']);
  const devicePublicKey = toHex(new Uint8Array(await subtle.exportKey('raw', device.publicKey)));
  return { privateKey, keys: { sealingKey, sealed, nonce, deviceKey: device.privateKey, devicePublicKey, createdAt: now() } };
}

/** Opens keys as they are at rest. Throws `unreadable`. */
export async function unseal(keys: StoredKeys, platform: WalletPlatform): Promise<Wallet> {
  let opened: ArrayBuffer;
  try {
    opened = await platform.crypto.subtle.decrypt(sealingOf(keys.nonce), keys.sealingKey, keys.sealed);
  } catch (cause) {
    throw new WalletError('unreadable', 'this browser holds a worker key that it can no longer open; clear this site\'s data to begin with a new one (what the old key earned stays with it)', { fault: 'platform', cause });
  }
  return new Wallet({ privateKey: `0x${toHex(new Uint8Array(opened))}`, deviceKey: keys.deviceKey, devicePublicKey: keys.devicePublicKey, stored: keys }, platform);
}

const sealingOf = (nonce: Uint8Array<ArrayBuffer>) => ({ name: SEALING.name, iv: nonce, additionalData: new Uint8Array(PURPOSE) });
