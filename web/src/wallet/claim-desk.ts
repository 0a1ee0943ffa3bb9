import { ClaimError, mayRetry } from './claim-error.ts';
import { checkProof } from './epoch-proof.ts';
import { openOnce } from './open-once.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { AccountOnChain, ClaimPorts, ClaimStep, Earnings, Payout } from './claim-ports.ts';
import type { EpochProof } from './epoch-proof.ts';

/** Tries of one claim, and the pauses between them: a sponsor that is busy, or a node that is away, is back in seconds or not soon. */
const PAUSES_MS = [2_000, 10_000] as const;
/** What is claimed of what is owed. */
type Claims = 'see' | 'first' | 'all';

/** Payouts that are shown. */
export const MAX_SHOWN = 20;

/**
 * The payouts of one account (SPEC Y8): claims its first one by itself when an epoch is claimable, later ones when a person asks. Nothing is signed
 * before the proof leads to the root that the contract itself has. One claim at a time; what fails is shown with its reason.
 */
export class ClaimDesk {
  readonly #ports: ClaimPorts;
  readonly #stop = new AbortController();
  #earnings: Earnings;
  #door: PublicDoor | undefined;
  readonly #chain: (door: PublicDoor) => Promise<AccountOnChain>;
  #running: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(ports: ClaimPorts) {
    this.#ports = ports;
    this.#chain = openOnce((door) => ports.open(door));
    this.#earnings = { chain: 'unknown', network: undefined, account: ports.account, owed: undefined, onChain: undefined, step: undefined, failure: undefined, payouts: [] };
  }

  get earnings(): Earnings {
    return this.#earnings;
  }

  /** Looks at what is claimable, and claims nothing. */
  see(): Promise<void> {
    return this.#inTurn(() => this.#act(undefined, 'see'));
  }

  /** Looks at what is claimable and claims it, if the contract has never paid this account. `epoch`: of a notice; the newest when absent. */
  look(epoch?: number): Promise<void> {
    return this.#inTurn(() => this.#act(epoch, 'first'));
  }

  /** Claims whatever the newest claimable epoch owes. */
  claimNow(): Promise<void> {
    return this.#inTurn(() => this.#act(undefined, 'all'));
  }

  /** Shows payouts of earlier visits behind those of this one. */
  recall(earlier: readonly Payout[]): void {
    const known = new Set(this.#earnings.payouts.map(({ transaction }) => transaction));
    this.#show({ payouts: [...this.#earnings.payouts, ...earlier.filter(({ transaction }) => !known.has(transaction))].slice(0, MAX_SHOWN) });
  }

  /** Begins nothing more. */
  close(): void {
    this.#stop.abort();
  }

  /** One after the other; a second notice that comes meanwhile waits, a third adds nothing. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    if (this.#waiting >= 2) return this.#running;
    this.#waiting++;
    this.#running = this.#running.then(async () => {
      try {
        if (!this.#stop.signal.aborted) await task();
      } finally {
        this.#waiting--;
      }
    });
    return this.#running;
  }

  async #act(epoch: number | undefined, claims: Claims): Promise<void> {
    const began = this.#ports.now();
    this.#show({ failure: undefined });
    for (let tries = 0; ; tries++) {
      try {
        return await this.#try(epoch, claims, began);
      } catch (error) {
        const pause = PAUSES_MS[tries];
        const again = mayRetry(error) && pause !== undefined && !this.#stop.signal.aborted;
        this.#show({ step: undefined, failure: failureOf(error, again) });
        if (!again) return;
        await this.#ports.pause(pause, this.#stop.signal);
        if (this.#stop.signal.aborted) return;
      } finally {
        this.#show({ step: undefined });
      }
    }
  }

  async #try(notice: number | undefined, claims: Claims, began: number): Promise<void> {
    const { coordinator, account } = this.#ports;
    const door = (this.#door ??= await coordinator.door());
    if (door === undefined) return this.#show({ chain: 'none' });
    this.#show({ chain: 'there', network: door.network });
    const epoch = notice ?? (await coordinator.newestClaimable());
    if (epoch === undefined) return this.#show({ owed: 0n });
    if (claims === 'all') this.#show({ step: 'proof' });
    const proof = await coordinator.proof(epoch, account);
    if (proof === undefined) return this.#show({ owed: 0n });
    const chain = await this.#chain(door);
    const paid = await this.#checked(chain, door, epoch, proof);
    const owed = proof.cumulative > paid ? proof.cumulative - paid : 0n;
    this.#show({ owed, onChain: await chain.tokens(), failure: undefined });
    // Whom the contract has paid before is paid by the coordinator's groups.
    if (owed > 0n && (claims === 'all' || (claims === 'first' && paid === 0n))) await this.#claim(chain, proof, owed, began);
  }

  /** Everything that has to hold before the key is used; gives what the contract has paid. */
  async #checked(chain: AccountOnChain, door: PublicDoor, epoch: number, proof: EpochProof): Promise<bigint> {
    const [contract, published, paid] = await Promise.all([chain.epoch(epoch), this.#ports.coordinator.publishedRoot(epoch), chain.paid()]);
    if (published !== undefined && published !== contract.root) throw new ClaimError('wrong-proof', `the coordinator published another root for epoch ${epoch} than the contract has; nothing was signed`, { fault: 'peer' });
    checkProof(proof, { chainId: door.chainId, store: door.store, epoch, account: this.#ports.account, root: contract.root, depth: contract.depth });
    if (!contract.claimable) throw new ClaimError('not-claimable', `the contract does not pay epoch ${epoch} now: its challenge window is not over, or it is held, vetoed or too old`, { fault: 'platform' });
    return paid;
  }

  async #claim(chain: AccountOnChain, proof: EpochProof, amount: bigint, began: number): Promise<void> {
    const { ticket, now, date, paymaster } = this.#ports;
    this.#show({ step: 'contract' });
    const deployed = await chain.isDeployed();
    if (!deployed) this.#show({ step: 'ticket' });
    const admitted = deployed ? undefined : await ticket();
    this.#show({ step: 'sponsor' });
    const transaction = await chain.claim(proof, admitted);
    this.#show({ step: 'block' });
    const { succeeded, reason, sponsor, feeFri } = await chain.receipt(transaction, this.#stop.signal);
    if (!succeeded) throw new ClaimError('reverted', `the contract refused the claim in transaction ${transaction}: ${reason}`, { fault: 'platform', fields: { transaction } });
    const own = BigInt(sponsor) === BigInt(this.#ports.account);
    const payout: Payout = { epoch: proof.epoch, transaction, amount, paymaster, sponsor, gasPaidFri: own ? feeFri : 0n, sponsorPaidFri: own ? 0n : feeFri, milliseconds: Math.round(now() - began), at: date() };
    this.#ports.keep(payout);
    this.#show({ owed: 0n, payouts: [payout, ...this.#earnings.payouts].slice(0, MAX_SHOWN), onChain: await chain.tokens() });
  }

  #show(part: Partial<Earnings> | { readonly step: ClaimStep | undefined }): void {
    this.#earnings = { ...this.#earnings, ...part };
    this.#ports.changed(this.#earnings);
  }
}

function failureOf(error: unknown, again: boolean): Earnings['failure'] {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof ClaimError ? error.code : 'failed', message: message.slice(0, 400), again };
}
