import type { ApiOperation, ApiParameter } from './api-operation.ts';

const ID: ApiParameter = { name: 'id', in: 'path', what: 'The job, as an answer names it', schema: { type: 'string', pattern: '^[0-9a-f]{32}$' } };

/** What an account may know of its jobs. */
export const JOB_OPERATIONS: readonly ApiOperation[] = [
  { method: 'get', path: '/v1/jobs/:id', tag: 'Jobs', key: true, summary: 'Where a job stands', parameters: [ID], replies: { 200: { what: 'The job', schema: 'Job' } }, errors: [404] },
  {
    method: 'get', path: '/v1/jobs/:id/events', tag: 'Jobs', key: true, summary: 'Follow what happens to a job', description: 'From the beginning until it is over.',
    parameters: [ID], replies: { 200: { what: 'One event each', type: 'text/event-stream', event: 'JobEvent' } }, errors: [404, 429],
  },
  {
    method: 'get', path: '/v1/jobs/:id/answer', tag: 'Jobs', key: true, summary: 'Read an answer again, from any place', description: 'Chunks as they were streamed first, until the answer ends.',
    parameters: [ID, { name: 'from', in: 'query', what: 'Characters (UTF-16 code units) that the reader has already', schema: { type: 'integer' } }, { name: 'Last-Event-ID', in: 'header', what: 'The same, as browsers send it', schema: { type: 'integer' } }],
    replies: { 200: { what: 'Chunks', type: 'text/event-stream', event: 'ChatCompletionChunk' } }, errors: [400, 404, 409, 429],
  },
  { method: 'post', path: '/v1/jobs/:id/cancel', tag: 'Jobs', key: true, summary: 'End an answer at its last token', parameters: [ID], replies: { 200: { what: '{object, job, status}', schema: 'Object' } }, errors: [404] },
  {
    method: 'post', path: '/v1/jobs/:id/nonce', tag: 'Jobs', key: true, summary: 'Open the nonce of the audit draw', description: 'The nonce that `ciro.nonce_commitment` of the request is the SHA-256 of.',
    parameters: [ID], body: 'NonceRequest', replies: { 200: { what: '{object, job, status}', schema: 'Object' } }, errors: [400, 404, 409],
  },
  {
    method: 'get', path: '/v1/jobs/:id/evidence', tag: 'Jobs', key: true, summary: 'Everything that an answer is proved by', description: '`npm run verify -- answer FILE` checks it without asking the coordinator.',
    parameters: [ID, { name: 'pieces', in: 'query', what: '1 adds what the audits looked at', schema: { type: 'string', enum: ['1'] } }],
    replies: { 200: { what: 'The evidence; stages that are not decided are `pending`', schema: 'Object' }, 202: { what: 'Not recorded yet, or held back until its audits are decided: {status, job}', schema: 'Object' } }, errors: [404, 409],
  },
];
