import { nodeIdOf } from '@ciro/core/identity/identity.ts';
import { MAX_CHANGE_VALID_S, payoutMessageHash, verifyPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { PayoutLinkError } from './link-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountSignatures, ChangeRecord, PayoutLinkStore, SignedChange } from './link-ports.ts';
import type { PayoutLinkCode } from './link-error.ts';
import type { PayoutBook } from './payout-book.ts';

/** As long as the mainnet pool waits with a changed payout address: whose key was stolen has two days to call the change off. */
export const PAYOUT_DELAY_MS = 48 * 3_600_000;
/** As long as the pool of a local chain waits. */
export const LOCAL_PAYOUT_DELAY_MS = 60_000;
/** Clocks of tabs and coordinators differ. Seconds. */
const CLOCK_SLACK_S = 120;

export interface PayoutLinksDeps {
  readonly chain: { readonly chainId: string; readonly store: string };
  readonly links: PayoutLinkStore;
  readonly payouts: Pick<PayoutBook, 'link' | 'ownOf'>;
  readonly signatures: AccountSignatures;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds from a change that was asked for to the first epoch that applies it. */
  readonly delayMs: number;
}

/** Where a worker is paid, and what waits. Times in epoch milliseconds, amounts in base units of credits. */
export interface PayoutStatus {
  readonly chainId: string;
  readonly store: string;
  readonly own: string;
  readonly account: string;
  /** Null: since its first credit. */
  readonly since: number | null;
  readonly kept: ReadonlyMap<string, bigint>;
  readonly waiting: { readonly account: string; readonly from: number } | null;
  /** Of the next change. */
  readonly nonce: number;
  readonly delayMs: number;
}

/** Takes changes of payout accounts (SPEC Y9): who signed them, whether they are the next, and when they hold. */
export class PayoutLinks {
  readonly #deps: PayoutLinksDeps;

  constructor(deps: PayoutLinksDeps) {
    this.#deps = deps;
  }

  async status(identityPublicKey: string): Promise<PayoutStatus> {
    const { chain, links, payouts, delayMs } = this.#deps;
    const worker = nodeIdOf(identityPublicKey);
    const [link, newest] = [await payouts.link(worker), await links.newest(worker)];
    const own = payouts.ownOf(identityPublicKey);
    const waiting = newest?.state === 'waiting' ? { account: newest.change.account, from: newest.from } : null;
    return { ...chain, own, account: link?.account ?? own, since: link?.since ?? null, kept: link?.kept ?? new Map(), waiting, nonce: (newest?.change.nonce ?? 0) + 1, delayMs };
  }

  /** Takes a change, or, where it names the account that is paid already, calls off the one that waits. Throws PayoutLinkError; nothing changed then. */
  async ask(signed: SignedChange): Promise<PayoutStatus> {
    const { chain, links, now, delayMs } = this.#deps;
    const { change } = signed;
    const seconds = Math.floor(now() / 1000);
    if (BigInt(change.chainId) !== BigInt(chain.chainId) || BigInt(change.store) !== BigInt(chain.store)) throw refuse('wrong_chain', `this change is signed for contract ${change.store} on chain ${change.chainId}, and workers are paid by ${chain.store} on ${chain.chainId}; sign for that one`);
    if (change.validUntil <= seconds - CLOCK_SLACK_S || change.validUntil > seconds + MAX_CHANGE_VALID_S + CLOCK_SLACK_S) throw refuse('expired', `this change is valid until ${change.validUntil}, and it is ${seconds}; sign one for at most ${MAX_CHANGE_VALID_S} s from now`);
    const { own, account, nonce } = await this.status(change.worker);
    if (change.nonce !== nonce) throw replayed(change.nonce, nonce);
    await this.#checkSignatures(signed, own, account);
    const callsOff = change.account === account;
    const record: ChangeRecord = { ...signed, askedAt: now(), from: now() + (callsOff ? 0 : delayMs), state: callsOff ? 'dropped' : 'waiting' };
    if (!(await links.ask(nodeIdOf(change.worker) as NodeId, record))) throw replayed(change.nonce, nonce + 1);
    return this.status(change.worker);
  }

  /**
   * A further account: identity and that account. Back to the worker's own: the identity. The account that is paid already: the identity or that account, so
   * that whoever is paid can call off what a stolen key asks for.
   */
  async #checkSignatures({ change, identitySignature, walletSignature }: SignedChange, own: string, paid: string): Promise<void> {
    const byIdentity = identitySignature !== null && verifyPayoutChange(change, identitySignature);
    if (identitySignature !== null && !byIdentity) throw refuse('identity_signature', `the identity signature is not one of ${change.worker} over this change`);
    if (change.account === own || change.account === paid) {
      if (byIdentity) return;
      if (change.account === own || walletSignature === null) throw refuse('identity_signature', 'this change needs the signature of the worker\'s identity');
    } else if (!byIdentity) {
      throw refuse('identity_signature', 'a change to another account needs the signature of the worker\'s identity');
    }
    if (walletSignature === null) throw refuse('wallet_signature', `a change to ${change.account} needs that account's signature`);
    await this.#checkWallet(change.account, payoutMessageHash(change, change.account), walletSignature);
  }

  async #checkWallet(account: string, hash: bigint, signature: readonly string[]): Promise<void> {
    const found = await this.#deps.signatures.check(account, hash, signature).catch((cause: unknown) => {
      throw new PayoutLinkError('node_silent', 'the node that is asked whose a signature is did not answer; try again in a minute', { fault: 'platform', cause });
    });
    if (found === 'absent') throw refuse('account_not_deployed', `no account is deployed at ${account} on this chain, so nothing can say whose the signature is; make one transaction with that wallet first`);
    if (found === 'foreign') throw refuse('not_an_account', `the contract at ${account} is no account: it does not say whose a signature is`);
    if (found === 'invalid') throw refuse('wallet_signature', `the signature is not account ${account}'s over this change`);
  }
}

const refuse = (code: PayoutLinkCode, message: string): PayoutLinkError => new PayoutLinkError(code, `${message}. Nothing was changed`, { fault: 'user' });
const replayed = (given: number, next: number): PayoutLinkError => refuse('replayed', `this is change ${given} of that worker, and its next one is ${next}`);
