import { payoutTypedData } from '@ciro/core/settlement/payout-change.ts';
import { LinkError } from './link-error.ts';
import { payoutLine } from './payout-line.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';
import type { LinkableWallet } from './wallet-list.ts';
import type { PayoutStatus } from './payout-line.ts';

/** A change is handed in at once; its owner may look at it for a while in the wallet. Seconds. */
const VALID_S = 1_800;

export interface LinkPorts {
  readonly base: string;
  readonly fetch: typeof fetch;
  readonly identityPublicKey: string;
  /** Where that identity's own account is (SPEC X6). */
  readonly own: string;
  sign(change: PayoutChange): Promise<string>;
  /** Epoch milliseconds. */
  now(): number;
}

/** Where this browser's worker is paid: looks at it, and changes it (SPEC Y9). Everything rejects with LinkError or WalletError; nothing was changed then. */
export class LinkDesk {
  readonly #ports: LinkPorts;
  readonly #line: ReturnType<typeof payoutLine>;

  constructor(ports: LinkPorts) {
    this.#ports = ports;
    this.#line = payoutLine(ports.base, ports.fetch);
  }

  look(): Promise<PayoutStatus> {
    return this.#line.status(this.#ports.identityPublicKey);
  }

  /** Further earnings go to the wallet's account, once the delay is over. The identity signs last: a wallet that refuses leaves nothing behind. */
  async link(wallet: LinkableWallet): Promise<PayoutStatus> {
    const account = await wallet.connect();
    const status = await this.look();
    const chain = await wallet.chainId();
    if (BigInt(chain) !== BigInt(status.chain_id)) throw new LinkError('wrong_chain', `${wallet.name} is on chain ${chain}, and workers are paid on ${status.chain_id}; choose that network in the wallet`, { fault: 'user' });
    const change = this.#change(status, account);
    const signature = await wallet.sign(payoutTypedData(change));
    const after = await wallet.account();
    if (after !== account) throw new LinkError('other_account', `${wallet.name} was asked for ${account} and is at ${after} now; nothing was linked`, { fault: 'user' });
    return this.#hand(change, signature);
  }

  /** Back to the account of this browser's own key. */
  async goBack(): Promise<PayoutStatus> {
    return this.#hand(this.#change(await this.look(), this.#ports.own), null);
  }

  /** Calls off the change that waits, by this browser's key. */
  async callOff(): Promise<PayoutStatus> {
    const status = await this.look();
    return this.#hand(this.#change(status, status.account), null);
  }

  /** The same by the linked wallet: the answer to a change that somebody else asked for with a copy of the key. */
  async callOffWith(wallet: LinkableWallet): Promise<PayoutStatus> {
    const account = await wallet.connect();
    const status = await this.look();
    if (account !== status.account) throw new LinkError('other_account', `${wallet.name} answers for ${account}, and this worker is paid at ${status.account}; choose that account in the wallet`, { fault: 'user' });
    const change = this.#change(status, account);
    return this.#line.hand({ change, identity_signature: null, wallet_signature: await wallet.sign(payoutTypedData(change)) });
  }

  #change({ chain_id: chainId, store, next_change: nonce, own_account: own }: PayoutStatus, account: string): PayoutChange {
    const { identityPublicKey, own: expected, now } = this.#ports;
    if (own !== expected) throw new LinkError('bad_answer', `the coordinator says that this key owns ${own}, and it owns ${expected}; nothing was signed`, { fault: 'peer' });
    return { chainId, store, worker: identityPublicKey, account, nonce, validUntil: Math.floor(now() / 1000) + VALID_S };
  }

  async #hand(change: PayoutChange, walletSignature: readonly string[] | null): Promise<PayoutStatus> {
    return this.#line.hand({ change, identity_signature: await this.#ports.sign(change), wallet_signature: walletSignature });
  }
}
