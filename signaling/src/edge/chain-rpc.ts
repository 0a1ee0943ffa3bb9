import * as v from 'valibot';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { AddressLimits } from './address-limits.ts';

/** What a tab reads before and after its own action; none of it changes anything, and none makes a node work for long. */
const METHODS = ['starknet_specVersion', 'starknet_chainId', 'starknet_call', 'starknet_getClassHashAt', 'starknet_getTransactionStatus', 'starknet_getTransactionReceipt', 'starknet_getTransactionByHash'] as const;
/** A view's answer is some field elements, a receipt of a transaction for many accounts some hundred kB. Bytes. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 15_000;

/** One request; a batch is none. */
const Request = v.strictObject({ jsonrpc: v.literal('2.0'), id: v.union([v.number(), v.string()]), method: v.picklist(METHODS), params: v.optional(v.union([v.record(v.string(), v.unknown()), v.array(v.unknown())])) });

export interface ChainRpcOptions {
  /** The coordinator's own node; its address, which may hold a key, is told to nobody. */
  readonly node: string;
  readonly limits: Pick<AddressLimits, 'take'>;
  readonly fetch?: typeof fetch;
}

/**
 * `POST /v1/chain/rpc`: reads of the coordinator's node for tabs, one JSON-RPC request at a time, of a few methods (SPEC Y6). A page over HTTPS reaches no node over
 * HTTP, one on another machine no node of this one, and few public nodes answer pages of other sites.
 */
export function chainRpcRoute(app: FastifyInstance, { node, limits, fetch: fetcher = fetch }: ChainRpcOptions): void {
  app.post('/v1/chain/rpc', async ({ body, ip }, reply) => {
    limits.take(ip);
    const parsed = v.safeParse(Request, body);
    if (!parsed.success) throw new EdgeError('bad_request', `this passes on one JSON-RPC 2.0 request of ${METHODS.join(', ')}; for anything else ask a node yourself`, { fault: 'user' });
    const answer = await ask(fetcher, node, parsed.output);
    return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(answer);
  });
}

/** What a node that cannot be reached says of itself stays here: it may hold its address. */
async function ask(fetcher: typeof fetch, node: string, request: object): Promise<string> {
  try {
    const response = await fetcher(node, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request), signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok || response.body === null) throw new TypeError(`status ${response.status}`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new RangeError('too long');
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new EdgeError('node_unavailable', 'the node of this coordinator does not answer; try again in a minute', { fault: 'platform', fields: { retryAfterMs: 60_000 }, cause });
  }
}
