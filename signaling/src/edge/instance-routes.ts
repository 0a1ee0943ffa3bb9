import { pipeline } from 'node:stream';
import { SOCKET_PATH } from './socket.ts';
import { EdgeError } from './openai-error.ts';
import { ownHeaders, PASSED_ON, passOn, passSocketOn } from './pass-on.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Instance } from '../cluster/instance.ts';

/** Port: who of several coordinators takes what (SPEC Z2 to Z4). `Membership` is one. */
export interface Instances {
  /** This one's. */
  readonly number: number;
  home(): Instance | undefined;
  answerer(): Instance | undefined;
  owner(job: string): Instance | undefined;
  leader(): Instance | undefined;
}

/** Where a question is asked. */
const ASKING: ReadonlySet<string> = new Set(['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/jobs']);
/** What begins so is about one job. */
const OF_A_JOB = '/v1/jobs/:id';
/** What is known of the others is a second old. */
const RETRY_AFTER_MS = 2_000;

/** Passes requests on to the instance that can answer them; called before any route is added. */
export function passRequestsOn(app: FastifyInstance, instances: Instances): void {
  app.addHook('preHandler', async (request, reply) => {
    if (request.headers[PASSED_ON] !== undefined) return;
    const to = targetOf(request, instances);
    if (to === undefined || to.number === instances.number) return;
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const answer = await passOn(request.raw, to.url, { body, over: gone.signal }).catch((cause: unknown) => {
      throw new EdgeError('instance_lost', 'the coordinator that this request belongs to has just ended, and another one takes its place; ask again in a few seconds', { fault: 'platform', fields: { retryAfterMs: RETRY_AFTER_MS }, cause });
    });
    // A hook that replies by itself is followed by the route's handler once the client hangs up: the question would be asked again here.
    reply.hijack();
    reply.raw.writeHead(answer.statusCode ?? 502, ownHeaders(answer.headers));
    reply.raw.flushHeaders();
    pipeline(answer, reply.raw, () => undefined);
  });
}

/** Passes sockets of workers on to the instance where they are at home; called when everything that takes upgrades is attached. */
export function passSocketsOn({ server }: FastifyInstance, instances: Instances): void {
  const own = server.listeners('upgrade') as ((request: IncomingMessage, socket: Duplex, head: Buffer) => void)[];
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const isWorker = request.url?.startsWith(SOCKET_PATH) === true && request.headers[PASSED_ON] === undefined;
    const home = isWorker ? instances.home() : undefined;
    if (home === undefined || home.number === instances.number) for (const take of own) take.call(server, request, socket, head);
    else passSocketOn(request, socket, head, home.url);
  });
}

function targetOf({ method, params, body, routeOptions: { url } }: FastifyRequest, instances: Instances): Instance | undefined {
  if (url?.startsWith(OF_A_JOB)) return instances.owner((params as { id: string }).id);
  if (method !== 'POST' || url === undefined || !ASKING.has(url)) return undefined;
  // One account signs for escrows: that of the instance that leads.
  return namesEscrow(body) ? instances.leader() : instances.answerer();
}

function namesEscrow(body: unknown): boolean {
  const { ciro } = Object(body) as { ciro?: unknown };
  return (Object(ciro) as { escrow?: unknown }).escrow !== undefined;
}
