import * as v from 'valibot';
import { capabilityHash, poolCalls } from '@ciro/core/sponsorship/pool-calls.ts';
import { ClaimError } from './claim-error.ts';
import { coordinatorChain } from './coordinator-chain.ts';
import { openOnce } from './open-once.ts';
import type { ContractCall } from '@ciro/core/sponsorship/pool-calls.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { AccountOnChain, PoolPlace } from './claim-ports.ts';

/** A list of cases is read at once; on a phone's line some seconds. */
const ANSWER_MS = 15_000;

export interface StakePorts {
  /** Base of the coordinator, ending in a slash. */
  readonly base: string;
  readonly fetch: typeof fetch;
  /** The identity's own account, which is what is registered. */
  readonly account: string;
  readonly nodeId: string;
  open(door: PublicDoor): Promise<AccountOnChain>;
  /** A ticket for an account that is not deployed (SPEC Y7). */
  ticket(): Promise<string>;
  /** Epoch milliseconds. */
  now(): number;
}

/**
 * Where a worker stands in the pool. `none`: not registered. `registered`: without enough stake. `staked`. `cooling`: its stake is on its way out. `ready`: what cooled
 * may be withdrawn. Amounts in base units of the stake token.
 */
export interface StakeStatus extends PoolPlace {
  readonly state: 'none' | 'registered' | 'staked' | 'cooling' | 'ready';
  readonly account: string;
  /** What court cases took from it, as far as the coordinator lists them. */
  readonly slashed: bigint;
}

/** A worker's place in the pool, for a face: each act is one sponsored transaction, waited for. All reject with ClaimError. */
export interface StakeFace {
  look(): Promise<StakeStatus>;
  register(): Promise<StakeStatus>;
  /** Base units of the stake token. */
  stake(amount: bigint): Promise<StakeStatus>;
  /** All of the stake begins to leave: what it waits is fixed at this moment. */
  leave(): Promise<StakeStatus>;
  stay(): Promise<StakeStatus>;
  withdraw(): Promise<StakeStatus>;
}

const Cases = v.object({ data: v.array(v.looseObject({ accused: v.nullish(v.string()), ruling: v.nullish(v.looseObject({ slashed: v.optional(v.pipe(v.string(), v.regex(/^[0-9]{1,39}$/))) })) })) });

/** Registers and stakes by the worker's own account through the coordinator's paymaster (SPEC Y4, Q6). */
export class StakeDesk implements StakeFace {
  readonly #ports: StakePorts;
  readonly #stop = new AbortController();
  #door: PublicDoor | undefined;
  readonly #chain: (door: PublicDoor) => Promise<AccountOnChain>;

  constructor(ports: StakePorts) {
    this.#ports = ports;
    this.#chain = openOnce((door) => ports.open(door));
  }

  async look(): Promise<StakeStatus> {
    const [{ account }, { chain }] = [this.#ports, await this.#open()];
    const [place, slashed] = await Promise.all([chain.pool.place(), this.#slashed()]);
    return { ...place, account, slashed, state: stateOf(place, this.#ports.now() / 1000) };
  }

  register(): Promise<StakeStatus> {
    const { nodeId, account } = this.#ports;
    return this.#act((door) => poolCalls(door.pool).register(capabilityHash({ node: nodeId }), account));
  }

  async stake(amount: bigint): Promise<StakeStatus> {
    const { funds, account } = await this.look();
    if (amount <= 0n) throw new ClaimError('refused', 'a stake is more than nothing', { fault: 'user' });
    if (amount > funds) throw new ClaimError('refused', `the account holds ${funds} base units of the stake token, and ${amount} are to be staked; send ${amount - funds} more to ${account}`, { fault: 'user' });
    return this.#act((door) => poolCalls(door.pool).stake(door.stakeToken, amount));
  }

  async leave(): Promise<StakeStatus> {
    const { stake } = await this.look();
    if (stake === 0n) throw new ClaimError('refused', 'nothing is staked', { fault: 'user' });
    return this.#act((door) => poolCalls(door.pool).unstakeIntent(stake));
  }

  stay(): Promise<StakeStatus> {
    return this.#act((door) => poolCalls(door.pool).cancelUnstake());
  }

  withdraw(): Promise<StakeStatus> {
    return this.#act((door) => poolCalls(door.pool).unstakeAction(this.#ports.account));
  }

  async #act(callsOf: (door: PublicDoor) => ContractCall[]): Promise<StakeStatus> {
    const { door, chain } = await this.#open();
    const ticket = (await chain.isDeployed()) ? undefined : await this.#ports.ticket();
    const transaction = await chain.pool.act(callsOf(door), ticket);
    const { succeeded, reason } = await chain.receipt(transaction, this.#stop.signal);
    if (!succeeded) throw new ClaimError('reverted', `the pool refused transaction ${transaction}: ${reason}`, { fault: 'platform', fields: { transaction } });
    return this.look();
  }

  async #open(): Promise<{ readonly door: PublicDoor; readonly chain: AccountOnChain }> {
    const { base, fetch: fetcher } = this.#ports;
    const door = (this.#door ??= await coordinatorChain(base, fetcher).door());
    if (door === undefined) throw new ClaimError('refused', 'this coordinator has no chain, so there is no pool', { fault: 'platform' });
    return { door, chain: await this.#chain(door) };
  }

  /** Cases are told by the coordinator; where it lists none, nothing is said of them. */
  async #slashed(): Promise<bigint> {
    const { base, fetch: fetcher, account } = this.#ports;
    const answer: unknown = await fetcher(new URL('v1/disputes', base), { signal: AbortSignal.timeout(ANSWER_MS) }).then((response) => (response.ok ? response.json() : undefined), () => undefined);
    const cases = v.safeParse(Cases, answer);
    return cases.success ? cases.output.data.reduce((sum, { accused, ruling }) => (accused === account ? sum + BigInt(ruling?.slashed ?? 0) : sum), 0n) : 0n;
  }
}

function stateOf({ tier, cooling, readyAt }: PoolPlace, seconds: number): StakeStatus['state'] {
  if (tier === 'unknown') return 'none';
  if (cooling > 0n) return seconds >= readyAt ? 'ready' : 'cooling';
  return tier === 'staked' ? 'staked' : 'registered';
}
