import { OPERATIONS } from './operations.ts';
import { componentSchemas, schemaRef } from './schemas.ts';
import type { ApiOperation, ApiReply } from './api-operation.ts';

/** Of the API, in the document; raised when something that worked works otherwise. */
const API_VERSION = '1.0.0';
const WHAT = 'Language models that run over browser tabs. The chat, completions and responses routes are those of the OpenAI API: official clients work with this base URL and a key. '
  + 'An error has `message`, `type`, `code` and `param`; 429, 502 and 503 say in `Retry-After` when to ask again. `x-request-id` names each reply, `x-ciro-job` the job of an answer.';

/** What errors of a status mean. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `param` names the field',
  401: 'No key, or one that is not known',
  402: 'The account has fewer credits than this may cost',
  403: 'The key may not do this, or it is not what was signed or paid for',
  404: 'There is no such thing, or it belongs to another key',
  409: 'It stands otherwise than this needs',
  413: 'The body is too large; the message has the limit',
  415: 'The body is not JSON',
  429: 'Too much at once; `Retry-After` says when again',
  499: 'It was called off',
  500: 'An error in the coordinator; nothing was charged',
  502: 'The answer broke on its way; ask again',
  503: 'Nobody can answer now; `Retry-After` says when again',
};

const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

/** The OpenAPI 3.1 document of the routes that `isServed` knows. */
export function openApiDocument(isServed: (operation: ApiOperation) => boolean = () => true) {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS.filter(isServed)) (paths[templateOf(operation.path)] ??= {})[operation.method] = operationObject(operation);
  return {
    openapi: '3.1.0',
    info: { title: 'Ciro', version: API_VERSION, summary: 'Answers of language models, with proof', description: WHAT, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key as POST /v1/trial gives one' } },
    },
  };
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

function operationObject({ method, path, tag, summary, description, key, parameters = [], body, replies, errors }: ApiOperation): object {
  const refused = [...new Set([...errors, ...(key ? [401, 403] : []), 500])].sort((a, b) => a - b);
  return {
    operationId: `${method}${path.replaceAll(/[/:_](\w?)/g, (_, letter: string) => letter.toUpperCase()).replaceAll(/\W/g, '')}`,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: key ? [{ key: [] }] : [],
    parameters: parameters.map(({ name, in: place, what, schema }) => ({ name, in: place, required: place === 'path', description: what, schema })),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schemaRef(body) } } } }),
    responses: Object.fromEntries([
      ...Object.entries(replies).map(([status, reply]) => [status, { description: reply.what, content: contentOf(reply) }] as const),
      ...refused.filter((status) => replies[status] === undefined).map((status) => [String(status), { description: ERRORS[status] ?? 'An error', content: { 'application/json': { schema: schemaRef('Error') } } }] as const),
    ]),
  };
}

function contentOf({ schema, type = 'application/json', event }: ApiReply): object {
  return {
    ...(schema === undefined ? {} : { [type]: { schema: schemaRef(schema) } }),
    // OpenAPI 3.1 has no word for events: the schema is that of each one's data.
    ...(event === undefined ? {} : { 'text/event-stream': { schema: schemaRef(event) } }),
  };
}
