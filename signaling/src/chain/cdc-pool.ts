import { ContractCaller, hexOf } from './contract-caller.ts';
import type { PoolPort, PoolWorker, Tier } from '../disputes/pool-port.ts';
import type { ContractCallerOptions } from './contract-caller.ts';

const WORKER_FELTS = 10;
const LOW_HALF = (1n << 128n) - 1n;
/** As the contract counts them. */
const TIERS = ['unknown', 'newcomer', 'staked'] as const satisfies readonly Tier[];

export type CdcPoolOptions = ContractCallerOptions & {
  /** Address of the contract, 0x hex. */
  readonly pool: string;
};

/** The CdcPool over a node. */
export class CdcPool implements PoolPort {
  readonly pool: string;
  readonly #caller: ContractCaller;

  /** `caller`: shared with other contracts of the same account. */
  constructor({ pool, ...options }: CdcPoolOptions, caller: ContractCaller = new ContractCaller(options)) {
    this.pool = hexOf(pool);
    this.#caller = caller;
  }

  get account(): string | null {
    return this.#caller.account;
  }

  async worker(account: string): Promise<PoolWorker> {
    const [capability = 0n, payout = 0n, nextPayout = 0n, nextPayoutAt, stake = 0n, cooling = 0n, readyAt, bond = 0n, bondAt, lastSeen] = await this.#view('worker', [account], WORKER_FELTS);
    return { capability: hexOf(capability), payout: hexOf(payout), nextPayout: hexOf(nextPayout), nextPayoutAt: Number(nextPayoutAt), stake, cooling, readyAt: Number(readyAt), bond, bondAt: Number(bondAt), lastSeen: Number(lastSeen) };
  }

  async atRisk(account: string): Promise<bigint> {
    return (await this.#view('at_risk', [account], 1))[0] ?? 0n;
  }

  async tierOf(account: string): Promise<Tier> {
    return TIERS[Number((await this.#view('tier_of', [account], 1))[0])] ?? 'unknown';
  }

  async isActive(account: string): Promise<boolean> {
    return (await this.#view('is_active', [account], 1))[0] === 1n;
  }

  async minStake(): Promise<bigint> {
    return (await this.#view('min_stake', [], 1))[0] ?? 0n;
  }

  async register(capability: string, payout: string): Promise<string> {
    return this.#move('register', [capability, payout]);
  }

  async setCapability(capability: string): Promise<string> {
    return this.#move('set_capability', [capability]);
  }

  async setPayout(payout: string): Promise<string> {
    return this.#move('set_payout', [payout]);
  }

  async deregister(): Promise<string> {
    return this.#move('deregister', []);
  }

  async stake(amount: bigint): Promise<string> {
    const [token = 0n] = await this.#view('stake_token', [], 1);
    return this.#caller.send('stake', [
      { contractAddress: hexOf(token), entrypoint: 'approve', calldata: [this.pool, hexOf(amount & LOW_HALF), hexOf(amount >> 128n)] },
      { contractAddress: this.pool, entrypoint: 'stake', calldata: [hexOf(amount)] },
    ]);
  }

  async unstakeIntent(amount: bigint): Promise<string> {
    return this.#move('unstake_intent', [hexOf(amount)]);
  }

  async cancelUnstake(): Promise<string> {
    return this.#move('cancel_unstake', []);
  }

  async unstakeAction(worker: string): Promise<string> {
    return this.#move('unstake_action', [worker]);
  }

  #move(entrypoint: string, calldata: string[]): Promise<string> {
    return this.#caller.send(entrypoint, [{ contractAddress: this.pool, entrypoint, calldata }]);
  }

  #view(entrypoint: string, calldata: readonly string[], least: number): Promise<bigint[]> {
    return this.#caller.view(this.pool, entrypoint, calldata, least);
  }
}
