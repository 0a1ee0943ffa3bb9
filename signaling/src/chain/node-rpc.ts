import * as v from 'valibot';
import { MAX_REASON, NODE_TIMEOUT_MS } from './chain-limits.ts';
import { RelayerError } from './relayer-error.ts';

export type Fetch = typeof globalThis.fetch;

/** Bytes of an answer that are read: a block's transaction hashes are 100 kB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const Envelope = v.union([
  v.object({ error: v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) }) }),
  v.object({ result: v.unknown() }),
]);

/** The node understood the question and said no; `code` is the RPC specification's. */
export class NodeRefusal extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data: unknown) {
    super(message.slice(0, MAX_REASON));
    this.name = 'NodeRefusal';
    this.code = code;
    this.data = data;
  }
}

/** JSON-RPC to a Starknet node. Every answer goes through a schema; texts of errors never hold the address, which may contain a key. */
export class NodeRpc {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  #id = 0;

  constructor(url: string, { fetch = globalThis.fetch, timeoutMs = NODE_TIMEOUT_MS }: { readonly fetch?: Fetch | undefined; readonly timeoutMs?: number | undefined } = {}) {
    this.#url = url;
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws `node-unavailable`, `bad-node-answer`, or `NodeRefusal`. */
  async call<const Schema extends v.GenericSchema>(method: string, params: Readonly<Record<string, unknown>>, schema: Schema): Promise<v.InferOutput<Schema>> {
    const envelope = v.safeParse(Envelope, await this.#post(method, params));
    if (!envelope.success) throw badAnswer(method, 'neither result nor error');
    if ('error' in envelope.output) throw new NodeRefusal(envelope.output.error.code, envelope.output.error.message, envelope.output.error.data);
    const result = v.safeParse(schema, envelope.output.result);
    if (!result.success) throw badAnswer(method, `${v.getDotPath(result.issues[0]) ?? 'result'}: ${result.issues[0].message}`);
    return result.output;
  }

  async #post(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    let text: string;
    try {
      const response = await this.#fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params }),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      text = await response.text();
      if (response.status >= 500 && !text.startsWith('{')) throw new Error(`HTTP ${response.status}`);
    } catch {
      throw new RelayerError('node-unavailable', `the Starknet node did not answer ${method} within ${this.#timeoutMs} ms or broke off; nothing was signed for this: try again, or give the relayer another node`, { fault: 'timeout', fields: { method } });
    }
    if (text.length > MAX_ANSWER_BYTES) throw badAnswer(method, `${text.length} characters`);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw badAnswer(method, 'no JSON');
    }
  }
}

function badAnswer(method: string, what: string): RelayerError {
  return new RelayerError('bad-node-answer', `the Starknet node answered ${method} with nonsense (${what.slice(0, MAX_REASON)}); nothing was signed for this: give the relayer another node`, { fault: 'peer', fields: { method } });
}
