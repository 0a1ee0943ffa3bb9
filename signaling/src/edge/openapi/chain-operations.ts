import type { ApiOperation, ApiParameter } from './api-operation.ts';

const FELT = { type: 'string', pattern: '^0x[1-9a-f][0-9a-f]{0,62}$' } as const;
const EPOCH: ApiParameter = { name: 'epoch', in: 'path', what: 'Its number, from 1 on', schema: { type: 'string', pattern: '^[1-9][0-9]{0,14}$' } };
const DISPUTE: ApiParameter = { name: 'name', in: 'path', what: 'Hash of its case file, or the felt that the court keeps of it', schema: { type: 'string' } };

/** What is settled on the chain; a coordinator without one answers 404 or with empty lists. */
export const CHAIN_OPERATIONS: readonly ApiOperation[] = [
  { method: 'get', path: '/v1/chain', tag: 'Chain', key: false, summary: 'Where clients act on the chain', replies: { 200: { what: 'Chain id, contracts, node', schema: 'Object' } }, errors: [404] },
  { method: 'post', path: '/v1/chain/rpc', tag: 'Chain', key: false, summary: 'Read the chain through the coordinator', description: 'One JSON-RPC call of a fixed list of reads. Only where the coordinator has a node.', body: 'Object', replies: { 200: { what: 'The JSON-RPC answer', schema: 'Object' } }, errors: [400, 429, 503] },
  { method: 'get', path: '/v1/epochs', tag: 'Chain', key: false, summary: 'Settled epochs, newest first', replies: { 200: { what: 'Where each stands', schema: 'List' } }, errors: [] },
  { method: 'get', path: '/v1/epochs/:epoch', tag: 'Chain', key: false, summary: 'An epoch as it was closed', parameters: [EPOCH], replies: { 200: { what: 'Everything that its root is made of', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/epochs/:epoch/proofs/:account', tag: 'Chain', key: false, summary: 'What an account needs to claim by itself', parameters: [EPOCH, { name: 'account', in: 'path', what: 'Its address', schema: FELT }], replies: { 200: { what: 'Leaf and Merkle proof', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/epochs/:epoch/performance', tag: 'Chain', key: false, summary: 'What workers did up to an epoch', parameters: [EPOCH], replies: { 200: { what: 'Everything that its performance root is made of', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/epochs/:epoch/performance/:account', tag: 'Chain', key: false, summary: 'What a worker needs to prove its performance', parameters: [EPOCH, { name: 'account', in: 'path', what: 'Its address', schema: FELT }], replies: { 200: { what: 'Leaf and Merkle proof', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/payouts/:key', tag: 'Chain', key: false, summary: 'Where a worker is paid', parameters: [{ name: 'key', in: 'path', what: 'Its identity key', schema: FELT }], replies: { 200: { what: 'The account that is paid, and what waits', schema: 'Object' } }, errors: [400, 404, 429, 503] },
  { method: 'post', path: '/v1/payouts', tag: 'Chain', key: false, summary: 'Have a worker paid at another account', description: 'Signed by its identity and by the other account.', body: 'PayoutRequest', replies: { 200: { what: 'Where it is paid then', schema: 'Object' } }, errors: [400, 403, 404, 409, 429, 503] },
  { method: 'get', path: '/v1/escrows', tag: 'Chain', key: false, summary: 'Where and how an answer is funded by contract', replies: { 200: { what: 'The terms', schema: 'Object' } }, errors: [404] },
  { method: 'get', path: '/v1/escrows/:id', tag: 'Chain', key: false, summary: 'Where an escrow stands here', parameters: [{ name: 'id', in: 'path', what: 'The job of the contract', schema: FELT }], replies: { 200: { what: 'The escrow', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/disputes', tag: 'Chain', key: false, summary: 'Disputes, newest first', replies: { 200: { what: 'Where each stands', schema: 'List' } }, errors: [] },
  { method: 'get', path: '/v1/disputes/:name', tag: 'Chain', key: false, summary: 'Where a dispute stands', parameters: [DISPUTE], replies: { 200: { what: 'The dispute', schema: 'Object' } }, errors: [400, 404] },
  { method: 'get', path: '/v1/disputes/:name/file', tag: 'Chain', key: false, summary: 'The case file of a dispute', parameters: [DISPUTE], replies: { 200: { what: 'The very bytes that its name is the hash of', schema: 'Object' } }, errors: [400, 404] },
];
