/** A worker as the pool has it (contracts/SPEC.md W2 to W14). Amounts in base units of the stake token, times in Unix seconds. */
export interface PoolWorker {
  readonly capability: string;
  /** Where its earnings from the pool go; 0x0: not registered. */
  readonly payout: string;
  /** Holds from `nextPayoutAt` on; 0x0 without a change ahead. */
  readonly nextPayout: string;
  readonly nextPayoutAt: number;
  readonly stake: bigint;
  readonly cooling: bigint;
  readonly readyAt: number;
  readonly bond: bigint;
  readonly bondAt: number;
  readonly lastSeen: number;
}

export type Tier = 'unknown' | 'newcomer' | 'staked';

/** Port: one CdcPool. Moves are those of the account that signs, and give the transaction's hash without waiting for a block. */
export interface PoolPort {
  readonly account: string | null;
  worker(account: string): Promise<PoolWorker>;
  atRisk(account: string): Promise<bigint>;
  tierOf(account: string): Promise<Tier>;
  isActive(account: string): Promise<boolean>;
  minStake(): Promise<bigint>;
  register(capability: string, payout: string): Promise<string>;
  setCapability(capability: string): Promise<string>;
  setPayout(payout: string): Promise<string>;
  deregister(): Promise<string>;
  /** Allows the amount and stakes it, in one transaction. */
  stake(amount: bigint): Promise<string>;
  unstakeIntent(amount: bigint): Promise<string>;
  cancelUnstake(): Promise<string>;
  unstakeAction(worker: string): Promise<string>;
}
