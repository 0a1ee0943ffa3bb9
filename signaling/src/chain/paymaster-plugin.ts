import { addressBlock } from '../sessions/address-block.ts';
import { MAX_BODY_BYTES } from './chain-limits.ts';
import { answerRpc } from './json-rpc.ts';
import { INVALID_REQUEST, PARSE_ERROR } from './snip-error.ts';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { MetricsSnapshot } from './metrics.ts';
import type { Caller, PaymasterService } from './paymaster-service.ts';

/** What anybody may know of a relayer: enough to ask it for something. Nothing in it is proof of anything; a wallet knows its forwarder from elsewhere. */
export interface RelayerInfo {
  readonly chainId: string;
  readonly forwarder: string;
  readonly newAccounts: { readonly tickets: boolean; readonly workBits: number | null; readonly slot: number };
  readonly metrics: MetricsSnapshot;
}

/**
 * The relayer over HTTP, mounted under a prefix: `POST /` is SNIP-29's JSON-RPC, `GET /` the `RelayerInfo`. Open to pages of every origin:
 * nothing here is decided by who serves the page. Headers of other paymasters (`x-paymaster-api-key`) are let pass and not looked at.
 */
export function paymasterPlugin({ service, info }: { readonly service: PaymasterService; readonly info: () => RelayerInfo }): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', '*').header('cache-control', 'no-store');
    });
    // JSON-RPC answers what went wrong in the body, with status 200, also when the body is none.
    app.setErrorHandler((error, request, reply) => {
      const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
      if (status >= 500) request.log.error({ code: error instanceof Error ? error.name : 'unknown' }, 'the paymaster failed');
      const failure = status === 413 ? { code: INVALID_REQUEST, message: 'Invalid Request', data: `the body is over ${MAX_BODY_BYTES} bytes; send fewer calls` } : { code: PARSE_ERROR, message: 'Parse error', data: 'the body is not JSON; send one JSON-RPC object with "Content-Type: application/json"' };
      return reply.code(200).type('application/json; charset=utf-8').send({ jsonrpc: '2.0', id: null, error: failure });
    });
    app.options('/', async (_request, reply) => reply.code(204).header('access-control-allow-methods', 'GET, POST, OPTIONS').header('access-control-allow-headers', 'content-type, x-ciro-ticket, x-ciro-work, x-paymaster-api-key').header('access-control-max-age', '600').send());
    app.get('/', async () => info());
    app.post('/', { bodyLimit: MAX_BODY_BYTES }, async (request) =>
      // Of a bug only its name is logged: its text may hold what a client sent.
      answerRpc(service, request.body, callerOf(request), (error) => request.log.error({ name: error instanceof Error ? error.name : typeof error, stack: error instanceof Error ? error.stack?.split('\n').slice(1, 6) : undefined }, 'the paymaster failed')),
    );
  };
}

function callerOf(request: FastifyRequest): Caller {
  const one = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === 'string' && value.length <= 300 ? value : undefined;
  };
  const ticket = one('x-ciro-ticket');
  const work = one('x-ciro-work');
  return { client: addressBlock(request.ip), ...(ticket === undefined ? {} : { ticket }), ...(work === undefined ? {} : { work }) };
}
