import type { ApiOperation } from './api-operation.ts';

const REFUSED = 'A field that does not exist is refused with `unknown_parameter`; one that exists in the OpenAI API and is not carried out here with `unsupported_parameter`, unless it asks for nothing (null, or its default).';
const STREAMED = 'With `"stream": true` the answer is server-sent events; comments keep the connection while it waits.';
/** Wrong or unknown fields, credits, models, bodies, limits, what was called off, broken and missing rings. */
const ASKING_ERRORS = [400, 402, 404, 413, 415, 429, 499, 502, 503];

/** Routes that ask a model. */
export const ANSWER_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'post', path: '/v1/chat/completions', tag: 'Answers', key: true, summary: 'Answer a conversation',
    description: `${STREAMED} A chunk with the role comes first, then text, the finish, usage if \`stream_options.include_usage\` is true, and \`[DONE]\`. ${REFUSED}`,
    body: 'ChatRequest', replies: { 200: { what: 'The answer', schema: 'ChatCompletion', event: 'ChatCompletionChunk' } }, errors: [...ASKING_ERRORS, 403, 409],
  },
  {
    method: 'post', path: '/v1/completions', tag: 'Answers', key: true, summary: 'Go on from a prompt as it is',
    description: `Text or token ids, without the model's chat template. ${STREAMED} It ends with \`[DONE]\`. ${REFUSED}`,
    body: 'CompletionRequest', replies: { 200: { what: 'The text that follows', schema: 'Completion', event: 'Completion' } }, errors: ASKING_ERRORS,
  },
  {
    method: 'post', path: '/v1/responses', tag: 'Answers', key: true, summary: 'Answer a text or a conversation (Responses API)',
    description: `Text only; nothing is stored, so \`previous_response_id\` is refused. ${STREAMED} Events are typed: response.created, response.output_text.delta, response.completed. ${REFUSED}`,
    body: 'ResponseRequest', replies: { 200: { what: 'The response', schema: 'Response', event: 'ResponseEvent' } }, errors: ASKING_ERRORS,
  },
  { method: 'get', path: '/v1/models', tag: 'Models', key: false, summary: 'List the models that are served', replies: { 200: { what: 'The models, the default first', schema: 'ModelList' } }, errors: [] },
  {
    method: 'get', path: '/v1/models/:model', tag: 'Models', key: false, summary: 'Look at one model',
    parameters: [{ name: 'model', in: 'path', what: 'Its name, its id, or `default`', schema: { type: 'string' } }],
    replies: { 200: { what: 'The model', schema: 'Model' } }, errors: [404],
  },
];
