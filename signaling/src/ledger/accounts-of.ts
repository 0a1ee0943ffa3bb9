import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';

/** Names of the accounts that belong to somebody (SPEC M4, M7). */
export const requesterOf = (account: string): AccountName => `requester:${account}`;
export const holdOf = (job: string): AccountName => `hold:${job}`;
export const pendingOf = (worker: string): AccountName => `worker:${worker}:pending`;
export const withheldOf = (worker: string): AccountName => `worker:${worker}:withheld`;
export const payableOf = (worker: string): AccountName => `worker:${worker}:payable`;
export const settledOf = (worker: string): AccountName => `worker:${worker}:settled`;

/** Whose bond an account holds; undefined for every other account. */
export const bondHolder = (account: AccountName): NodeId | undefined => /^worker:(.+):withheld$/.exec(account)?.[1] as NodeId | undefined;
