import * as v from 'valibot';
import { MAX_REASON, UPSTREAM_TIMEOUT_MS } from './chain-limits.ts';
import { FeltSchema } from './felt.ts';
import { RelayerError, refuse } from './relayer-error.ts';
import type { Fetch } from './node-rpc.ts';
import type { RelayerCode } from './relayer-error.ts';

const Failure = v.object({ error: v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) }) });
const Success = v.object({ result: v.unknown() });

/** Amounts as AVNU sends them: 0x hex. */
export const QuotedFee = v.object({
  gas_token_price_in_strk: FeltSchema,
  estimated_fee_in_strk: FeltSchema,
  estimated_fee_in_gas_token: FeltSchema,
  suggested_max_fee_in_strk: FeltSchema,
  suggested_max_fee_in_gas_token: FeltSchema,
});
/** `typed_data` is checked by hand: all of it counts. */
export const UpstreamBuilt = v.object({ type: v.string(), typed_data: v.optional(v.unknown()), deployment: v.optional(v.unknown()), fee: QuotedFee });
export const UpstreamSent = v.object({ tracking_id: FeltSchema, transaction_hash: FeltSchema });
export const UpstreamTracked = v.object({ transaction_hash: FeltSchema, status: v.picklist(['active', 'accepted', 'dropped']) });

/** SNIP numbers that pass through as what they are; all others are `upstream-refused`. */
const CODES: Readonly<Record<number, RelayerCode>> = { 150: 'invalid-address', 153: 'invalid-signature', 155: 'class-hash-not-supported', 156: 'execution-error', 157: 'invalid-time-bounds', 158: 'invalid-deployment-data', 159: 'invalid-class-hash', 160: 'invalid-id' };

/** JSON-RPC to another paymaster, with the sponsor's key in a header. The key is in no message, and what the other side says is passed on without it. */
export class UpstreamRpc {
  readonly #url: string;
  readonly #key: string;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  #id = 0;

  constructor({ url, apiKey, fetch = globalThis.fetch, timeoutMs = UPSTREAM_TIMEOUT_MS }: { readonly url: string; readonly apiKey: string; readonly fetch?: Fetch | undefined; readonly timeoutMs?: number | undefined }) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw refuse('bad-options', 'the upstream paymaster has no http or https address; give one');
    if (!/^[\x21-\x7e]{8,256}$/.test(apiKey)) throw refuse('bad-options', 'the upstream paymaster key is not 8 to 256 printable characters; give the key that the service issued');
    this.#url = url;
    this.#key = apiKey;
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws `upstream-unavailable`, `upstream-lied` where the answer has no sense, or what the other side refused. */
  async call<const Schema extends v.GenericSchema>(method: string, params: unknown, schema: Schema): Promise<v.InferOutput<Schema>> {
    const answer = await this.#post(method, params);
    const failure = v.safeParse(Failure, answer);
    if (failure.success) throw this.#refusal(failure.output.error);
    const success = v.safeParse(Success, answer);
    const result = success.success ? v.safeParse(schema, success.output.result) : success;
    if (result.success) return result.output;
    throw new RelayerError('upstream-lied', `the upstream paymaster answered ${method} with nonsense; nothing was passed on: tell the operator`, { fault: 'peer', fields: { method } });
  }

  async #post(method: string, params: unknown): Promise<unknown> {
    try {
      const response = await this.#fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-paymaster-api-key': this.#key },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params }),
        // A redirect would carry the key to somebody else.
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return await response.json();
    } catch {
      throw new RelayerError('upstream-unavailable', `the upstream paymaster did not answer ${method}; try again in a minute`, { fault: 'timeout', fields: { method } });
    }
  }

  #refusal({ code, message, data }: { readonly code: number; readonly message: string; readonly data?: unknown }): RelayerError {
    const said = typeof data === 'string' ? data : ((data === undefined ? undefined : JSON.stringify(data)) ?? message);
    const text = said.replaceAll(this.#key, '…').slice(0, MAX_REASON);
    return refuse(CODES[code] ?? 'upstream-refused', `the upstream paymaster refused (${code}): ${text}`);
  }
}
