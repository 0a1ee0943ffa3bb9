import * as v from 'valibot';
import { INVALID_REQUEST, METHOD_NOT_FOUND, RpcShapeError, toRpcFailure } from './snip-error.ts';
import type { Caller, PaymasterService } from './paymaster-service.ts';
import type { RpcFailure } from './snip-error.ts';

const Request = v.object({
  jsonrpc: v.literal('2.0'),
  id: v.optional(v.union([v.null(), v.pipe(v.string(), v.maxLength(100)), v.number()]), null),
  method: v.pipe(v.string(), v.maxLength(100)),
  params: v.optional(v.unknown(), {}),
});

export type RpcReply = { readonly jsonrpc: '2.0'; readonly id: string | number | null } & ({ readonly result: unknown } | { readonly error: RpcFailure });

/** Answers one request object; what is thrown becomes the SNIP's error. `onBug` hears of what is not a refusal. Several requests in one body are refused: the client's count would not count them. */
export async function answerRpc(service: PaymasterService, body: unknown, caller: Caller, onBug: (error: unknown) => void): Promise<RpcReply> {
  const request = v.safeParse(Request, body);
  if (!request.success) return failed(null, new RpcShapeError(INVALID_REQUEST, 'Invalid Request', 'send one JSON-RPC 2.0 object: {"jsonrpc": "2.0", "id": 1, "method": "paymaster_…", "params": {…}}'));
  const { id, method, params } = request.output;
  try {
    return { jsonrpc: '2.0', id, result: await call(service, method, params, caller) };
  } catch (error) {
    return failed(id, error, onBug);
  }
}

function call(service: PaymasterService, method: string, params: unknown, caller: Caller): Promise<unknown> {
  switch (method) {
    case 'paymaster_isAvailable':
    case 'paymaster_health':
      return service.isAvailable();
    case 'paymaster_getSupportedTokens':
      // Sponsored only: nobody pays in a token.
      return Promise.resolve([]);
    case 'paymaster_buildTransaction':
      return service.build(params, caller);
    case 'paymaster_executeTransaction':
      return service.execute(params, caller);
    case 'paymaster_trackingIdToLatestHash':
      return service.track(params);
    default:
      throw new RpcShapeError(METHOD_NOT_FOUND, 'Method not found', `${method} is not a method of SNIP-29`);
  }
}

function failed(id: string | number | null, error: unknown, onBug?: (error: unknown) => void): RpcReply {
  const failure = toRpcFailure(error);
  if (typeof failure.data === 'string' && failure.data.startsWith('internal:')) onBug?.(error);
  return { jsonrpc: '2.0', id, error: failure };
}
