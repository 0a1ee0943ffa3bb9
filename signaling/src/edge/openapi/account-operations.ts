import type { ApiOperation } from './api-operation.ts';

/** Accounts and their keys. */
export const ACCOUNT_OPERATIONS: readonly ApiOperation[] = [
  { method: 'post', path: '/v1/trial', tag: 'Account', key: false, summary: 'Get a key with trial credits', description: 'The key is shown this once.', replies: { 201: { what: 'The key', schema: 'Trial' } }, errors: [429] },
  { method: 'get', path: '/v1/account', tag: 'Account', key: true, summary: 'What the key may still spend', replies: { 200: { what: 'The account', schema: 'Account' } }, errors: [] },
  {
    method: 'post', path: '/v1/keys', tag: 'Account', key: true, summary: 'Make another key of the account', body: 'KeyRequest',
    description: 'With the scope manage. It may do no more than the key that makes it, and spend no more than its budget; its text is shown this once.',
    replies: { 201: { what: 'The key, with its text', schema: 'Key' } }, errors: [400, 409],
  },
  { method: 'get', path: '/v1/keys', tag: 'Account', key: true, summary: 'Keys that are not revoked, and what each has spent', description: 'With the scope manage.', replies: { 200: { what: 'Keys without their texts', schema: 'List' } }, errors: [] },
  {
    method: 'delete', path: '/v1/keys/:id', tag: 'Account', key: true, summary: 'Revoke a key, and end its answers', description: 'With the scope manage.',
    parameters: [{ name: 'id', in: 'path', what: 'Id of the key', schema: { type: 'string' } }],
    replies: { 200: { what: '{id, deleted}', schema: 'Object' } }, errors: [404],
  },
];
