import { poolCalls } from '@ciro/core/sponsorship/pool-calls.ts';
import { ContractCaller, hexOf } from './contract-caller.ts';
import type { PoolPort, PoolWorker, Tier } from '../disputes/pool-port.ts';
import type { PerformancePort, RecordedPerformance } from '../settlement/performance-ports.ts';
import type { ContractCallerOptions } from './contract-caller.ts';

const WORKER_FELTS = 10;
/** Views asked for at a time: nodes limit requests by the second. */
const VIEWS_AT_A_TIME = 32;
/** As the contract counts them. */
const TIERS = ['unknown', 'newcomer', 'staked'] as const satisfies readonly Tier[];

export type CdcPoolOptions = ContractCallerOptions & {
  /** Address of the contract, 0x hex. */
  readonly pool: string;
};

/** The CdcPool over a node. */
export class CdcPool implements PoolPort, PerformancePort {
  readonly pool: string;
  readonly #caller: ContractCaller;
  readonly #calls: ReturnType<typeof poolCalls>;

  /** `caller`: shared with other contracts of the same account. */
  constructor({ pool, ...options }: CdcPoolOptions, caller: ContractCaller = new ContractCaller(options)) {
    this.pool = hexOf(pool);
    this.#caller = caller;
    this.#calls = poolCalls(this.pool);
  }

  get chainId(): string {
    return this.#caller.chainId;
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
    return this.#caller.send('register', this.#calls.register(capability, payout));
  }

  async setCapability(capability: string): Promise<string> {
    return this.#caller.send('set_capability', this.#calls.setCapability(capability));
  }

  async setPayout(payout: string): Promise<string> {
    return this.#caller.send('set_payout', this.#calls.setPayout(payout));
  }

  async deregister(): Promise<string> {
    return this.#caller.send('deregister', this.#calls.deregister());
  }

  async stake(amount: bigint): Promise<string> {
    const [token = 0n] = await this.#view('stake_token', [], 1);
    return this.#caller.send('stake', this.#calls.stake(hexOf(token), amount));
  }

  async unstakeIntent(amount: bigint): Promise<string> {
    return this.#caller.send('unstake_intent', this.#calls.unstakeIntent(amount));
  }

  async cancelUnstake(): Promise<string> {
    return this.#caller.send('cancel_unstake', this.#calls.cancelUnstake());
  }

  async unstakeAction(worker: string): Promise<string> {
    return this.#caller.send('unstake_action', this.#calls.unstakeAction(worker));
  }

  async recorded(epoch: number): Promise<RecordedPerformance | undefined> {
    const [root = 0n, count, depth] = await this.#view('epoch', [hexOf(epoch)], 3);
    return root === 0n ? undefined : { root: hexOf(root), count: Number(count), depth: Number(depth) };
  }

  async record({ epoch, root, count, depth }: Parameters<PerformancePort['record']>[0]): Promise<string> {
    return this.#caller.send('record_epoch', [{ contractAddress: this.pool, entrypoint: 'record_epoch', calldata: [hexOf(epoch), root, hexOf(count), hexOf(depth)] }]);
  }

  async lastSeen(workers: readonly string[]): Promise<(number | null)[]> {
    const seen: (number | null)[] = [];
    for (let from = 0; from < workers.length; from += VIEWS_AT_A_TIME) {
      const known = await Promise.all(workers.slice(from, from + VIEWS_AT_A_TIME).map((worker) => this.worker(worker)));
      seen.push(...known.map(({ payout, lastSeen }) => (payout === '0x0' ? null : lastSeen)));
    }
    return seen;
  }

  async touch(workers: readonly string[]): Promise<string> {
    return this.#caller.send('touch', [{ contractAddress: this.pool, entrypoint: 'touch', calldata: [hexOf(workers.length), ...workers] }]);
  }

  async inactiveAfter(): Promise<number> {
    return Number((await this.#view('inactive_after', [], 1))[0]);
  }

  async time(): Promise<number> {
    return (await this.#caller.head()).time;
  }

  #view(entrypoint: string, calldata: readonly string[], least: number): Promise<bigint[]> {
    return this.#caller.view(this.pool, entrypoint, calldata, least);
  }
}
