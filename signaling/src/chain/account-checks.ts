import { CLASS_FRESH_MS, MAX_COUNTED } from './chain-limits.ts';
import { refuse } from './relayer-error.ts';
import { verifiesStark } from './starknet-hashes.ts';
import type { Chain } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Policy } from './policy.ts';

/** What lies at account addresses, and whether signatures are theirs. */
export class AccountChecks {
  readonly #chain: Pick<Chain, 'classHashAt' | 'isValidSignature'>;
  readonly #policy: Pick<Policy, 'accountClasses'>;
  readonly #now: () => number;
  /** Classes of accounts that were seen deployed, the one seen longest ago forgotten first. */
  readonly #classes = new Map<Felt, { readonly classHash: Felt; readonly at: number }>();

  constructor(chain: Pick<Chain, 'classHashAt' | 'isValidSignature'>, policy: Pick<Policy, 'accountClasses'>, { now }: { readonly now: () => number }) {
    this.#chain = chain;
    this.#policy = policy;
    this.#now = now;
  }

  /** Throws unless the account is there as the request says, and of a class whose code is known: any other could spend our gas as it likes. */
  async check(account: Felt, deploys: boolean): Promise<void> {
    const classHash = await this.#classHashAt(account);
    if (deploys) {
      if (classHash === undefined) return;
      throw refuse('invalid-deployment-data', `account ${account} is deployed already; send an invoke without deployment data`);
    }
    if (classHash === undefined) throw refuse('invalid-address', `no account is deployed at ${account}; send deployment data with the first action (deploy_and_invoke)`);
    if (!this.#policy.accountClasses.has(classHash)) throw refuse('class-hash-not-supported', `account ${account} is of class ${classHash}, which is not sponsored here; supported: ${[...this.#policy.accountClasses.keys()].join(', ')}`, { classHash });
  }

  /** Throws `invalid-signature`. `publicKey`: of an account that this very action deploys, and which cannot be asked yet. */
  async checkSignature(account: Felt, hash: Felt, signature: readonly Felt[], publicKey: Felt | undefined): Promise<void> {
    const valid = publicKey === undefined ? await this.#chain.isValidSignature(account, hash, signature) : verifiesStark(publicKey, hash, signature);
    if (!valid) throw refuse('invalid-signature', `the signature is not account ${account}'s over the typed data that was built; sign exactly that with the account's key`);
  }

  async #classHashAt(account: Felt): Promise<Felt | undefined> {
    const known = this.#classes.get(account);
    if (known !== undefined && this.#now() - known.at < CLASS_FRESH_MS) return known.classHash;
    const classHash = await this.#chain.classHashAt(account);
    this.#classes.delete(account);
    if (classHash !== undefined) this.#classes.set(account, { classHash, at: this.#now() });
    const [oldest] = this.#classes.keys();
    if (this.#classes.size > MAX_COUNTED && oldest !== undefined) this.#classes.delete(oldest);
    return classHash;
  }
}
