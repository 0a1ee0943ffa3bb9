import { ACCOUNT_OPERATIONS } from './account-operations.ts';
import { ANSWER_OPERATIONS } from './answer-operations.ts';
import { CHAIN_OPERATIONS } from './chain-operations.ts';
import { JOB_OPERATIONS } from './job-operations.ts';
import { NETWORK_OPERATIONS } from './network-operations.ts';
import type { ApiOperation } from './api-operation.ts';

/** Every public route. A route under /v1 that is not here fails a test, and so does an entry without a route. */
export const OPERATIONS: readonly ApiOperation[] = [...ANSWER_OPERATIONS, ...JOB_OPERATIONS, ...ACCOUNT_OPERATIONS, ...NETWORK_OPERATIONS, ...CHAIN_OPERATIONS];
