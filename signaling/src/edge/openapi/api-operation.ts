import type { SchemaName } from './schemas.ts';

export type ApiTag = 'Answers' | 'Jobs' | 'Models' | 'Account' | 'Network' | 'Ledger' | 'Chain' | 'Operation';

export interface ApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly what: string;
  readonly schema: { readonly type: 'string' | 'integer'; readonly pattern?: string; readonly enum?: readonly string[] };
}

export interface ApiReply {
  readonly what: string;
  /** A name of `SCHEMAS`, or an `object` whose members the text names. */
  readonly schema?: SchemaName;
  /** `application/json` when absent. */
  readonly type?: 'application/json' | 'text/event-stream';
  /** Schema of the data of one event of a stream. */
  readonly event?: SchemaName;
}

/** One route, as clients are told of it. `path` is as the route is registered. */
export interface ApiOperation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly tag: ApiTag;
  readonly summary: string;
  readonly description?: string;
  /** Whether it needs a key. */
  readonly key: boolean;
  /** Every `:name` of the path, then what may be said besides. */
  readonly parameters?: readonly ApiParameter[];
  readonly body?: SchemaName;
  readonly replies: Readonly<Record<number, ApiReply>>;
  /** Statuses of errors beside 401 (with a key) and 500; each has the shape of `Error`. */
  readonly errors: readonly number[];
}
