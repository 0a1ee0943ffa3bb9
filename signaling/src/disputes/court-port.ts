export type CaseKind = 'worker' | 'root' | 'job';

/** A case as the court has it (contracts/SPEC.md D2 to D5). Addresses and hashes in 0x hex without leading zeros, times in Unix seconds, amounts in base units. */
export interface CourtCase {
  readonly id: number;
  readonly kind: CaseKind;
  readonly state: 'open' | 'guilty' | 'not guilty';
  readonly challenger: string;
  /** 0x0 where a role answers. */
  readonly accused: string;
  /** A job, or an epoch's number. */
  readonly ref: string;
  readonly evidence: string;
  /** Null until it is answered. */
  readonly answer: string | null;
  readonly respondUntil: number;
  readonly voteFrom: number;
  readonly voteUntil: number;
  readonly guiltyVotes: number;
  readonly notGuiltyVotes: number;
  readonly leastSlash: bigint;
}

/** What the court was built with. */
export interface CourtSettings {
  readonly pool: string;
  readonly store: string;
  readonly jobManager: string;
  readonly bondToken: string;
  readonly stakeToken: string;
  readonly treasury: string;
  readonly bond: bigint;
  readonly responseWindow: number;
  readonly voteWindow: number;
  readonly quorum: number;
  readonly capCaseBps: number;
  readonly capDay: bigint;
  readonly challengerBps: number;
  readonly burnBps: number;
}

/** What is accused, and of what: felts in 0x hex. */
export interface Charge {
  readonly kind: CaseKind;
  /** 0x0 but for a worker. */
  readonly accused: string;
  readonly ref: string;
  readonly evidence: string;
}

/** How a case ended, from the chain's own events. */
export interface Ruling {
  readonly guilty: boolean;
  /** No side had the quorum. */
  readonly byTimeout: boolean;
  readonly slashed: bigint;
  readonly bondTo: string;
  readonly transaction: string;
  /** Number of the block that it is in. */
  readonly block: number;
}

/** Where a transaction stands. */
export type Transaction = { readonly state: 'unknown' | 'waiting' | 'succeeded' } | { readonly state: 'reverted'; readonly reason: string };

/** Port: one DisputeCourt. Moves give the transaction's hash without waiting for a block, and throw when the contract would refuse. */
export interface CourtPort {
  /** Who moves; null: nobody can, and moves throw. */
  readonly account: string | null;
  settings(): Promise<CourtSettings>;
  caseCount(): Promise<number>;
  /** Undefined when there is no such case. */
  find(id: number): Promise<CourtCase | undefined>;
  /** Ids of cases that `account` opened with this very charge, from a block on. */
  openedBy(account: string, charge: Charge, fromBlock: number): Promise<readonly number[]>;
  /** Most that this worker may lose for this ref, what it lost, and how many cases about it are open. */
  refCap(charge: Omit<Charge, 'evidence'>): Promise<{ readonly cap: bigint; readonly slashed: bigint; readonly openCases: number }>;
  /** Whether `vote` would be taken now: an arbiter that has no part in the case and did not vote, within its time, before it is decided. */
  mayVote(id: number, arbiter: string): Promise<boolean>;
  /** Undefined while it is open. */
  ruling(id: number, fromBlock: number): Promise<Ruling | undefined>;
  /** Newest block: its number, and its Unix seconds, which is the only time that counts in court. */
  head(): Promise<{ readonly number: number; readonly time: number }>;
  transaction(hash: string): Promise<Transaction>;

  /** Allows the bond and opens, in one transaction. */
  open(charge: Charge): Promise<string>;
  respond(id: number, evidence: string): Promise<string>;
  vote(id: number, guilty: boolean, slash: bigint): Promise<string>;
  finalise(id: number): Promise<string>;
  closeStuck(id: number): Promise<string>;
}
