import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';

/** Where credits came from: the community pool, or a deposit (SPEC M11). */
export type Purse = 'given' | 'paid';
export const PURSES: readonly Purse[] = ['given', 'paid'];

/** Names of the accounts that belong to somebody (SPEC M4, M7). */
export const requesterOf = (account: string, purse: Purse = 'given'): AccountName => `requester:${account}${purse === 'paid' ? ':paid' : ''}`;
export const feeOf = (purse: Purse): AccountName => (purse === 'paid' ? 'fee:paid' : 'fee');
/** A job's budget in the JobManager (SPEC N5). */
export const escrowOf = (escrow: string): AccountName => `escrow:${escrow}`;
export const holdOf = (job: string): AccountName => `hold:${job}`;
export const pendingOf = (worker: string): AccountName => `worker:${worker}:pending`;
export const withheldOf = (worker: string, purse: Purse = 'given'): AccountName => `worker:${worker}:withheld${purse === 'paid' ? ':paid' : ''}`;
/** Where work that was decided for is credited: what was paid for is payable, what was given waits for a promotion (SPEC M11). */
export const earnedIn = (worker: string, purse: Purse): AccountName => (purse === 'paid' ? payableOf(worker) : promotionalOf(worker));
export const promotionalOf = (worker: string): AccountName => `worker:${worker}:promotional`;
export const payableOf = (worker: string): AccountName => `worker:${worker}:payable`;
/** Paid on chain: at the worker's own account, or at one that it linked (SPEC M10, Y9). */
export const settledOf = (worker: string, linked?: string): AccountName => (linked === undefined ? `worker:${worker}:settled` : `worker:${worker}:settled:${linked}`);

/** Accounts that pay for jobs: a requester's credits, or a budget that a contract holds. */
export const isPayer = (account: AccountName): boolean => account.startsWith('requester:') || account.startsWith('escrow:');
/** The escrow whose budget an account is; undefined for every other account. */
export const escrowBehind = (account: AccountName): string | undefined => (account.startsWith('escrow:') ? account.slice('escrow:'.length) : undefined);

/** Whose bond an account holds; undefined for every other account. */
export const bondHolder = (account: AccountName): NodeId | undefined => /^worker:([^:]+):withheld(?::paid)?$/.exec(account)?.[1] as NodeId | undefined;
