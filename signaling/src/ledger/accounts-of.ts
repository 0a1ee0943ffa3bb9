import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';

/** Names of the accounts that belong to somebody (SPEC M4, M7). */
export const requesterOf = (account: string): AccountName => `requester:${account}`;
/** A job's budget in the JobManager (SPEC N5). */
export const escrowOf = (escrow: string): AccountName => `escrow:${escrow}`;
export const holdOf = (job: string): AccountName => `hold:${job}`;
export const pendingOf = (worker: string): AccountName => `worker:${worker}:pending`;
export const withheldOf = (worker: string): AccountName => `worker:${worker}:withheld`;
export const payableOf = (worker: string): AccountName => `worker:${worker}:payable`;
export const settledOf = (worker: string): AccountName => `worker:${worker}:settled`;

/** Accounts that pay for jobs: a requester's credits, or a budget that a contract holds. */
export const isPayer = (account: AccountName): boolean => account.startsWith('requester:') || account.startsWith('escrow:');
/** The escrow whose budget an account is; undefined for every other account. */
export const escrowBehind = (account: AccountName): string | undefined => (account.startsWith('escrow:') ? account.slice('escrow:'.length) : undefined);

/** Whose bond an account holds; undefined for every other account. */
export const bondHolder = (account: AccountName): NodeId | undefined => /^worker:(.+):withheld$/.exec(account)?.[1] as NodeId | undefined;
