import { ClaimDesk, MAX_SHOWN } from '../wallet/claim-desk.ts';
import { coordinatorChain } from '../wallet/coordinator-chain.ts';
import { TicketLine } from '../wallet/ticket-line.ts';
import { WalletError } from '../wallet/wallet-error.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { SponsorAnswer } from '@ciro/core/protocol/sponsorship.ts';
import type { AccountOnChain, Earnings, PayoutStore } from '../wallet/claim-ports.ts';
import type { StarknetAccountOptions } from '../wallet/starknet-account.ts';
import type { VaultFacts } from '../wallet/vault.ts';
import type { PayoutFace, PayoutFacePorts } from './payout-face.ts';
import type { VaultThread } from './vault-thread.ts';

/** What a face may show of the identity. */
export type IdentityView = Pick<VaultFacts, 'nodeId' | 'identityPublicKey' | 'account' | 'persistence' | 'backedUpAt' | 'earlier'>;

export interface IdentityDeskPorts {
  /** Starts the thread that holds the key; called at the first use. */
  startVault(): VaultThread;
  /** Loads starknet.js with what uses it: only for an account that has something on a chain. */
  openAccount(options: StarknetAccountOptions): Promise<AccountOnChain>;
  /** Loads what links wallets: only for who asks for it. */
  openPayout(ports: PayoutFacePorts): Promise<PayoutFace>;
  readonly store: PayoutStore;
  /** Base of the coordinator's files, ending in a slash. */
  readonly base: string;
  readonly fetch: typeof fetch;
  /** Asks the coordinator for a ticket; false when nobody is connected. */
  wantTicket(): boolean;
  after(milliseconds: number, task: () => void): () => void;
  readonly clock: { /** Epoch milliseconds. */ now(): number; /** Monotonic milliseconds. */ monotonic(): number };
  show(part: { readonly identity?: IdentityView; readonly earnings?: Earnings }): void;
}

/** This browser's identity and what it has on a chain: the vault's thread, and the desk that claims payouts with it. */
export class IdentityDesk {
  readonly #ports: IdentityDeskPorts;
  readonly #tickets: TicketLine;
  #vault: VaultThread | undefined;
  #facts: VaultFacts | undefined;
  #claims: ClaimDesk | undefined;

  constructor(ports: IdentityDeskPorts) {
    this.#ports = ports;
    this.#tickets = new TicketLine(() => ports.wantTicket(), (milliseconds, task) => ports.after(milliseconds, task));
  }

  get vault(): VaultThread {
    return (this.#vault ??= this.#ports.startVault());
  }

  /** Opens the identity, making it on the first visit. Rejects with WalletError. */
  async open(): Promise<VaultFacts> {
    return this.#take(await this.vault.open());
  }

  /** Shows the identity that is here already, and what it has on the chain; makes none and claims nothing. False when there is none. */
  async find(): Promise<boolean> {
    const facts = await this.vault.find();
    if (facts === undefined) return false;
    this.#take(facts);
    void this.#claims?.see();
    return true;
  }

  /** Joined a coordinator: something may have become claimable meanwhile. */
  joined(): void {
    void this.#claims?.look();
  }

  claimable(epoch: number): void {
    void this.#claims?.look(epoch);
  }

  answered(answer: SponsorAnswer): void {
    this.#tickets.answered(answer);
  }

  async claimNow(): Promise<void> {
    await this.#claims?.claimNow();
  }

  /** Where this identity is paid. Rejects with WalletError, `unknown-identity` where there is none yet. */
  async openPayout(): Promise<PayoutFace> {
    if (this.#facts === undefined) await this.find();
    if (this.#facts === undefined) throw new WalletError('unknown-identity', 'this browser has no worker key yet; contribute first', { fault: 'user' });
    const { account, identityPublicKey, nodeId } = this.#facts;
    const { base, clock, fetch: fetcher } = this.#ports;
    const stake = { base, fetch: fetcher, account, nodeId, now: () => clock.now(), open: this.#opener(this.#facts), ticket: () => this.#tickets.ask() };
    return this.#ports.openPayout({ stake, base, fetch: fetcher, identityPublicKey, own: account, sign: (change) => this.vault.signPayoutChange(change), now: () => clock.now() });
  }

  /** Text of a backup file. Rejects with WalletError. */
  async exportIdentity(passphrase: string, identityPublicKey: string): Promise<string> {
    // The vault knows which identities are here once it looked.
    if (this.#facts === undefined) await this.find();
    const text = await this.vault.exportIdentity(passphrase, identityPublicKey);
    const facts = await this.vault.find();
    if (facts !== undefined) this.#take(facts);
    return text;
  }

  /** Rejects with WalletError, `identity-exists` among them; the identity here is then as it was. */
  async importIdentity(text: string, passphrase: string, replace: boolean): Promise<void> {
    this.#take(await this.vault.importIdentity(text, passphrase, { replace }));
    void this.#claims?.see();
  }

  #take(facts: VaultFacts): VaultFacts {
    const before = this.#facts;
    this.#facts = facts;
    const { nodeId, identityPublicKey, account, persistence, backedUpAt, earlier } = facts;
    this.#ports.show({ identity: { nodeId, identityPublicKey, account, persistence, backedUpAt, earlier } });
    if (before?.account !== account) this.#begin(facts);
    return facts;
  }

  #opener({ identityPublicKey }: VaultFacts): (door: PublicDoor) => Promise<AccountOnChain> {
    const { base, clock, openAccount, fetch: fetcher } = this.#ports;
    return (door) => openAccount({ door, identityPublicKey, node: new URL('v1/chain/rpc', base).href, paymaster: this.#paymaster, sign: (execution, signer) => this.vault.signOutside(execution, signer), now: () => clock.now(), fetch: fetcher });
  }

  get #paymaster(): string {
    return new URL('paymaster', this.#ports.base).href;
  }

  #begin(facts: VaultFacts): void {
    this.#claims?.close();
    const { account } = facts;
    const { base, clock, store, fetch: fetcher } = this.#ports;
    const claims: ClaimDesk = new ClaimDesk({
      coordinator: coordinatorChain(base, fetcher),
      account,
      open: this.#opener(facts),
      ticket: () => this.#tickets.ask(),
      paymaster: this.#paymaster,
      pause: (milliseconds, signal) => this.#pause(milliseconds, signal),
      now: () => clock.monotonic(),
      date: () => clock.now(),
      keep: (payout) => void store.keepPayout(account, payout).catch(() => undefined),
      changed: (earnings) => {
        if (this.#claims === claims) this.#ports.show({ earnings });
      },
    });
    this.#claims = claims;
    this.#ports.show({ earnings: claims.earnings });
    store.payouts(account, MAX_SHOWN).then((earlier) => claims.recall(earlier), () => undefined);
  }

  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.after(milliseconds, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
}
