import { openBackup } from './backup.ts';
import { findWallet, moveIn, openWallet, unseal } from './wallet.ts';
import { WalletError } from './wallet-error.ts';
import type { DeviceBinding, JobRoot } from '@ciro/core/identity/identity.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EarlierKeys, KeyStore } from './key-store.ts';
import type { OutsideExecution } from './outside-execution-hash.ts';
import type { Wallet, WalletPlatform } from './wallet.ts';

/** What may be known of the identity outside of the vault; nothing in it is secret. */
export interface VaultFacts {
  readonly nodeId: NodeId;
  readonly identityPublicKey: string;
  /** Address of the account that it owns (SPEC X6). */
  readonly account: string;
  readonly devicePublicKey: string;
  /** Not extractable. */
  readonly deviceKey: CryptoKey;
  readonly persistence: 'stored' | 'memory';
  /** Epoch milliseconds of the newest copy elsewhere; null when there is none. */
  readonly backedUpAt: number | null;
  /** Public keys of identities that another one took the place of; each can still be exported. */
  readonly earlier: readonly string[];
}

/**
 * This browser's identity, in the one thread that ever holds its private key. It signs what it hashes itself (bindings, roots, actions of its own
 * account), and gives the key away only sealed under a passphrase. Throws WalletError.
 */
export class Vault {
  readonly #store: KeyStore;
  readonly #platform: WalletPlatform;
  #wallet: Wallet | undefined;
  #backedUpAt: number | null = null;

  constructor(store: KeyStore, platform: WalletPlatform) {
    this.#store = store;
    this.#platform = platform;
  }

  /** Opens the identity, making it on the first visit. */
  async open(): Promise<VaultFacts> {
    return this.#take(this.#wallet ?? (await openWallet(this.#store, this.#platform)));
  }

  /** The identity that is there already, if there is one. */
  async find(): Promise<VaultFacts | undefined> {
    const wallet = this.#wallet ?? (await findWallet(this.#store, this.#platform));
    return wallet === undefined ? undefined : this.#take(wallet);
  }

  signBinding(binding: DeviceBinding): string {
    return this.#opened.signBinding(binding);
  }

  signRoot(root: JobRoot): string {
    return this.#opened.signRoot(root);
  }

  signPayoutChange(change: PayoutChange): string {
    return this.#opened.signPayoutChange(change);
  }

  signOutside(execution: OutsideExecution, account: string): [string, string] {
    return this.#opened.signOutside(execution, account);
  }

  /** The text of a backup file, of the present identity or an earlier one. */
  async exportIdentity(passphrase: string, identityPublicKey: string): Promise<string> {
    const present = this.#opened;
    if (identityPublicKey !== present.identityPublicKey) return (await this.#earlierWallet(identityPublicKey)).exportBackup(passphrase);
    const text = await present.exportBackup(passphrase);
    this.#backedUpAt = this.#platform.now();
    // The file is what counts: where the note cannot be kept, the page asks for a backup once more.
    if (present.persistence === 'stored') await this.#store.markBackedUp(this.#backedUpAt).catch(() => undefined);
    return text;
  }

  /** Puts the identity of a backup in the place of the present one; `replace`: although there is another one, which stays among the earlier. */
  async importIdentity(text: string, passphrase: string, { replace }: { readonly replace: boolean }): Promise<VaultFacts> {
    const { privateKey, identityPublicKey } = await openBackup(text, passphrase, this.#platform.crypto);
    const present = this.#wallet ?? (await findWallet(this.#store, this.#platform));
    if (present?.identityPublicKey === identityPublicKey) return this.#take(present);
    if (present !== undefined && !replace) throw new WalletError('identity-exists', `this browser has identity ${present.nodeId.slice(0, 12)} already; the backup is of another one`, { fault: 'user', fields: { present: present.identityPublicKey, imported: identityPublicKey } });
    // What was never stored cannot be kept beside another one.
    if (present !== undefined && present.stored === undefined) throw new WalletError('not-kept', 'this browser keeps nothing, so no identity can be moved into it; open this page in a window that is not private', { fault: 'platform' });
    const before: EarlierKeys | undefined = present?.stored === undefined ? undefined : { identityPublicKey: present.identityPublicKey, keys: present.stored };
    return this.#take(await moveIn(this.#store, this.#platform, privateKey, before));
  }

  get #opened(): Wallet {
    if (this.#wallet === undefined) throw new WalletError('unknown-identity', 'the vault was not opened', { fault: 'bug' });
    return this.#wallet;
  }

  async #earlierWallet(identityPublicKey: string): Promise<Wallet> {
    const kept = (await this.#store.earlier()).find((each) => each.identityPublicKey === identityPublicKey);
    if (kept === undefined) throw new WalletError('unknown-identity', 'this browser has no such identity', { fault: 'user' });
    return unseal(kept.keys, this.#platform);
  }

  async #take(wallet: Wallet): Promise<VaultFacts> {
    if (wallet !== this.#wallet) this.#backedUpAt = wallet.backedUpAt;
    this.#wallet = wallet;
    const { nodeId, identityPublicKey, account, devicePublicKey, deviceKey, persistence } = wallet;
    const earlier = await this.#store.earlier().catch(() => []);
    return { nodeId, identityPublicKey, account, devicePublicKey, deviceKey, persistence, backedUpAt: this.#backedUpAt, earlier: earlier.map((each) => each.identityPublicKey) };
  }
}
