import type { ApiOperation, ApiParameter } from './api-operation.ts';

const SEQUENCE = { type: 'string', pattern: '^(0|[1-9][0-9]{0,14})$' } as const;
const MODEL: ApiParameter = { name: 'id', in: 'path', what: 'Id or name of a model', schema: { type: 'string' } };

/** The network, its ledger and how it does. */
export const NETWORK_OPERATIONS: readonly ApiOperation[] = [
  { method: 'get', path: '/v1/nodes', tag: 'Network', key: false, summary: 'The nodes, newest first', replies: { 200: { what: 'Public records of nodes', schema: 'List' } }, errors: [] },
  { method: 'get', path: '/health', tag: 'Operation', key: false, summary: 'What the network looks like now', replies: { 200: { what: 'Workers, rings, links, queue and models', schema: 'Object' } }, errors: [] },
  { method: 'get', path: '/ready', tag: 'Operation', key: false, summary: 'Whether a question can be answered now', replies: { 200: { what: '{ready, checks, reasons}', schema: 'Object' }, 503: { what: 'The same, with reasons', schema: 'Object' } }, errors: [] },
  { method: 'get', path: '/v1/ledger/head', tag: 'Ledger', key: false, summary: 'The head of the ledger, signed', replies: { 200: { what: 'The signed head', schema: 'Object' } }, errors: [404] },
  {
    method: 'get', path: '/v1/ledger/links', tag: 'Ledger', key: false, summary: 'Links of the hash chain of entries',
    parameters: [{ name: 'from', in: 'query', what: 'Entries after this one; from the first when absent', schema: SEQUENCE }, { name: 'to', in: 'query', what: 'The last entry', schema: SEQUENCE }],
    replies: { 200: { what: 'Links, as many as are given out at a time', schema: 'List' } }, errors: [400],
  },
  { method: 'get', path: '/models/:id/manifest', tag: 'Models', key: false, summary: 'What a tab has to know to load a model', parameters: [MODEL], replies: { 200: { what: 'The manifest', schema: 'Object' } }, errors: [404] },
];
