import { showsToken } from './bearer-token.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ReadyCheck } from '../metrics/readiness.ts';

/** Ports: what operators and their tools ask. */
export interface OperationView {
  /** Whether a question can be answered now, and why not. */
  checks(): Promise<readonly ReadyCheck[]>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export interface OperationOptions {
  /** Whoever reads `/metrics` has to show it (`CIRO_METRICS_TOKEN`); without one only programs of this machine read it. */
  readonly metricsToken?: string;
}

/** Seconds after which it makes sense to look again. */
const RETRY_AFTER_S = 5;
const LOOPBACK_ADDRESS = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
/** A page of another site that points its own name at this machine comes with that name. */
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** `GET /ready` (200, or 503 with the reasons; SPEC O2) and `GET /metrics` (SPEC O1). */
export function operationRoutes(app: FastifyInstance, view: OperationView, { metricsToken }: OperationOptions): void {
  app.get('/ready', async (_request, reply) => {
    const checks = await view.checks();
    const ready = checks.every(({ ok }) => ok);
    reply.header('cache-control', 'no-store');
    if (!ready) reply.code(503).header('retry-after', RETRY_AFTER_S);
    return { ready, checks, reasons: checks.flatMap(({ ok, reason }) => (ok ? [] : [reason])) };
  });

  app.get('/metrics', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (metricsToken === undefined && !isOfThisMachine(request)) return refuse(reply, 403, 'metrics are read on this machine only; set CIRO_METRICS_TOKEN to read them from elsewhere');
    if (metricsToken !== undefined && !showsToken(request.headers.authorization, metricsToken)) return refuse(reply.header('www-authenticate', 'Bearer'), 401, 'metrics need the header "Authorization: Bearer …" with the token of CIRO_METRICS_TOKEN');
    return reply.type(view.metrics.contentType).send(await view.metrics.text());
  });
}

/** Straight from a program of this machine: what a proxy passes on comes from anywhere. */
function isOfThisMachine({ raw, headers }: FastifyRequest): boolean {
  const passedOn = headers.forwarded !== undefined || Object.keys(headers).some((name) => name.startsWith('x-forwarded') || name === 'via');
  return !passedOn && LOOPBACK_ADDRESS.test(raw.socket.remoteAddress ?? '') && LOOPBACK_HOST.test(headers.host ?? '');
}

function refuse(reply: FastifyReply, status: 401 | 403, message: string): FastifyReply {
  const [type, code] = status === 401 ? ['authentication_error', 'invalid_metrics_token'] : ['invalid_request_error', 'metrics_local_only'];
  return reply.code(status).send({ error: { message, type, param: null, code } });
}
