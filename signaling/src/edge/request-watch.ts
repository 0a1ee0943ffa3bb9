import type { FastifyInstance } from 'fastify';

export interface RequestWatch {
  /** Counts an answer. */
  answered(request: { readonly route: string | undefined; readonly method: string; readonly status: number; readonly ms: number }): void;
  /** Names an address in the log. */
  hashAddress(address: string): string;
}

/** Levels of the log at which every request is a line. */
const TELLS_REQUESTS: ReadonlySet<string> = new Set(['trace', 'debug', 'info']);
/** Asked for by every tab or every few seconds: hundreds of lines that say nothing, unless they fail. */
const QUIET_ROUTE = /^\/(models|line|health|ready|metrics|\*)(\/|$)/;

/** Counts every answer, and logs it at `info` (files and probes at `debug`): method, the route as the server knows it, status, time; never a path, a query or an address. */
export function watchRequests(app: FastifyInstance, { answered, hashAddress }: RequestWatch): void {
  app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url;
    const { method, log, ip } = request;
    const { statusCode: status, elapsedTime: ms } = reply;
    answered({ route, method, status, ms });
    if (!TELLS_REQUESTS.has(log.level)) return;
    const level = status < 400 && QUIET_ROUTE.test(route ?? '') ? 'debug' : 'info';
    log[level]({ method, route: route ?? null, status, ms: Math.round(ms), address: hashAddress(ip) }, 'request');
  });
}
