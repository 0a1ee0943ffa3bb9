import { readFile } from 'node:fs/promises';
import Fastify, { LogController } from 'fastify';
import { CiroError } from '@ciro/core/errors.ts';
import { logOptions } from '../logging/log-options.ts';
import { accountRoutes } from './account-routes.ts';
import { AddressLimits } from './address-limits.ts';
import { answerRoutes } from './answer-routes.ts';
import { AskDoor } from './ask-door.ts';
import { chainRoutes } from './chain-routes.ts';
import { chatRoute } from './chat-route.ts';
import { trustedProxies } from './client-address.ts';
import { completionsRoute } from './completions-route.ts';
import { disputeRoutes } from './dispute-routes.ts';
import { docsRoutes } from './docs-routes.ts';
import { epochRoutes } from './epoch-routes.ts';
import { escrowRoutes } from './escrow-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { joinLink } from './links.ts';
import { ledgerRoutes } from './ledger-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { lineRoutes } from './line-routes.ts';
import { modelsRoutes } from './models-routes.ts';
import { networkRoutes } from './network-routes.ts';
import { operationRoutes } from './operation-routes.ts';
import { operatorRoutes } from './operator-routes.ts';
import { EdgeError, openAiError } from './openai-error.ts';
import { NOT_FOUND_PAGE, pageRoutes, wantsPage } from './page-routes.ts';
import { payoutRoutes } from './payout-routes.ts';
import { watchRequests } from './request-watch.ts';
import { responsesRoute } from './responses-route.ts';
import { COMMON_HEADERS, INSECURE_PAGE_POLICY, TRANSPORT_HEADERS } from './security-headers.ts';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRouteDependencies } from './answer-routes.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { EvidenceDesk } from '../evidence/evidence-desk.ts';
import type { ChatCommands } from '../intake/chat-commands.ts';
import type { Intake } from '../intake/intake.ts';
import type { JobWatch } from '../intake/job-watch.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AddressLimit } from './address-limits.ts';
import type { TrustsProxy } from './client-address.ts';
import type { ChainRouteDependencies } from './chain-routes.ts';
import type { DisputeRouteDependencies } from './dispute-routes.ts';
import type { EpochRouteDependencies } from './epoch-routes.ts';
import type { EscrowRouteDependencies } from './escrow-routes.ts';
import type { LedgerRouteDependencies } from './ledger-routes.ts';
import type { PayoutRouteDependencies } from './payout-routes.ts';
import type { ShardedModels } from './models-routes.ts';
import type { NetworkView } from './network-routes.ts';
import type { LogSink } from '../logging/log-options.ts';
import type { OperationOptions, OperationView } from './operation-routes.ts';
import type { Drains, OperatorRouteOptions } from './operator-routes.ts';
import type { RequestWatch } from './request-watch.ts';

/** Bodies other than a chat's are empty or nearly so. */
const MAX_BODY_BYTES = 16 * 1024;
/** A client that does not finish its request in this time is let go; answers may take as long as they take. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Chat requests of one address: an office behind one router, or a benchmark; the scheduler's queue bounds all of them together. */
export const CHAT_LIMIT: AddressLimit = { burst: 200, everyMs: 100 };
/** Trials of one address: a class room tries it out, then one an hour; behind it stands the pool's daily cap. */
export const TRIAL_LIMIT: AddressLimit = { burst: 10, everyMs: 3_600_000 };

/** Probes of lines from one address: four each of sixty tabs at once, then one tab in two seconds, 200 kB a second. */
export const LINE_LIMIT: AddressLimit = { burst: 240, everyMs: 500 };

/** Reads of the chain from one address: a first payout takes some twenty, and a wait for a block one every two seconds; sixty tabs behind one router at once. */
export const CHAIN_READ_LIMIT: AddressLimit = { burst: 1_500, everyMs: 50 };

/** Looks at payout accounts, and changes of them, from one address: sixty tabs behind one router, then one a second; a change asks the node three times. */
export const PAYOUT_LIMIT: AddressLimit = { burst: 120, everyMs: 1_000 };

/** Certificate and key files of `CIRO_TLS_CERT` and `CIRO_TLS_KEY`, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface HttpDependencies {
  readonly accounts: Accounts;
  readonly ledger: Ledger;
  readonly intake: Intake;
  /** What answers instead of a model when it is asked by name. */
  readonly commands?: ChatCommands;
  readonly evidence: EvidenceDesk;
  readonly jobs: JobWatch;
  /** An answer that is over, from the record. */
  readonly past: AnswerRouteDependencies['past'];
  readonly head: LedgerRouteDependencies['head'];
  readonly settlement: EpochRouteDependencies['settlement'] & PayoutRouteDependencies;
  readonly disputes: DisputeRouteDependencies['disputes'];
  readonly chain?: ChainRouteDependencies;
  readonly escrows: EscrowRouteDependencies;
  readonly models: ShardedModels;
  readonly view: NetworkView;
  readonly operation: OperationView;
  readonly drains: Drains;
}

export interface HttpOptions extends OperationOptions, OperatorRouteOptions {
  readonly now: () => number;
  /** Where a proxy with TLS serves us, if it does. */
  readonly publicUrl?: URL;
  readonly webDist?: string;
  /** Addresses of public model files that pages may fetch from. */
  readonly publicFiles?: readonly string[];
  readonly tls?: TlsFiles;
  /** A relayer's routes (SNIP-29), mounted at `/paymaster`. */
  readonly paymaster?: FastifyPluginAsync;
  readonly logLevel?: string;
  /** Where log lines go; standard error when absent. */
  readonly logSink?: LogSink;
  /** Proxies that are believed about who their client is; those of this machine when absent. */
  readonly trusts?: TrustsProxy;
  /** Hears of every answer. */
  readonly answered?: RequestWatch['answered'];
}

/** The HTTP server without routes: its log and its socket can be used at once. */
export async function createHttp({ tls, logLevel, logSink, answered, trusts = trustedProxies() }: Pick<HttpOptions, 'tls' | 'logLevel' | 'logSink' | 'answered' | 'trusts'>): Promise<FastifyInstance> {
  const https = tls === undefined ? null : { cert: await readPem(tls.cert, 'CIRO_TLS_CERT'), key: await readPem(tls.key, 'CIRO_TLS_KEY') };
  // Standard output belongs to the command line's answers.
  const { hashAddress, ...log } = logOptions(logLevel, logSink ?? process.stderr);
  const app = Fastify({
    ...log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: trusts,
    // Closing ends what is still open: answers were told of it before.
    forceCloseConnections: true,
    ...(https === null ? {} : { https }),
  });
  watchRequests(app, { answered: answered ?? (() => undefined), hashAddress });
  return app;
}

/** The HTTP face of the coordinator. Nothing of a prompt or an answer is ever logged. */
export async function addRoutes(app: FastifyInstance, dependencies: HttpDependencies, options: HttpOptions): Promise<void> {
  // Every body of this API is JSON.
  app.removeContentTypeParser('text/plain');
  allowEmptyBodies(app);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, options.publicUrl));
  app.setNotFoundHandler((request, reply) => {
    if (wantsPage(request)) return reply.code(404).header('content-security-policy', INSECURE_PAGE_POLICY).type('text/html; charset=utf-8').send(NOT_FOUND_PAGE);
    throw new EdgeError('not_found', `${request.method} ${request.url.split('?')[0]?.slice(0, 200) ?? ''} is not part of this API`, { fault: 'user' });
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON_HEADERS);
    if (options.publicUrl?.protocol === 'https:') reply.headers(TRANSPORT_HEADERS);
    if (request.url.startsWith('/v1/')) await openToOtherSites(request, reply);
  });
  const { accounts, ledger, intake, commands, evidence, jobs, past, head, settlement, disputes, escrows, chain, models, view } = dependencies;
  const { publicUrl, now } = options;
  const door = new AskDoor({ accounts, intake, limits: new AddressLimits(CHAT_LIMIT, options), now, ...(commands && { commands }), ...(publicUrl && { publicUrl }) });
  chatRoute(app, door);
  completionsRoute(app, door);
  responsesRoute(app, door);
  accountRoutes(app, { accounts, ledger, trialLimits: new AddressLimits(TRIAL_LIMIT, options) });
  keyRoutes(app, { accounts, ledger, now: options.now });
  jobRoutes(app, { accounts, evidence, jobs });
  answerRoutes(app, { accounts, intake, past, ...(options.publicUrl && { publicUrl: options.publicUrl }) });
  ledgerRoutes(app, { ledger, head });
  epochRoutes(app, { settlement });
  payoutRoutes(app, settlement, new AddressLimits(PAYOUT_LIMIT, options));
  chainRoutes(app, chain ?? {}, new AddressLimits(CHAIN_READ_LIMIT, options));
  escrowRoutes(app, escrows);
  disputeRoutes(app, { disputes });
  modelsRoutes(app, models, { startedAt: options.now(), missing: (id) => view.missing(id) });
  networkRoutes(app, view, models);
  docsRoutes(app);
  operationRoutes(app, dependencies.operation, options);
  operatorRoutes(app, dependencies.drains, options);
  await lineRoutes(app, { limits: new AddressLimits(LINE_LIMIT, options) });
  if (options.paymaster !== undefined) await app.register(options.paymaster, { prefix: '/paymaster' });
  await pageRoutes(app, options);
}

/** Headers of an answer that a page of another site may read. */
const EXPOSED_HEADERS = 'x-ciro-job, x-request-id, retry-after';

/** Many clients name a type for a body that they do not send, as with DELETE: it is no body then. */
function allowEmptyBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}

/** The API may be called from any site: keys travel in a header that a page must be given, never in cookies. */
async function openToOtherSites(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', EXPOSED_HEADERS);
  if (request.method !== 'OPTIONS') return;
  await reply.code(204).header('access-control-allow-methods', 'GET, POST, DELETE, OPTIONS').header('access-control-allow-headers', 'authorization, content-type, *').header('access-control-max-age', '600').send();
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, publicUrl: URL | undefined): FastifyReply {
  const { status, body, retryAfterS } = openAiError(ofFastify(error, request.routeOptions.bodyLimit ?? MAX_BODY_BYTES), joinLink(request, publicUrl));
  if (status === 500) request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS);
  return reply.code(status).type('application/json; charset=utf-8').send(body);
}

/** What Fastify itself refuses, in our words; anything else passes as it is. */
function ofFastify(error: unknown, bodyLimit: number): unknown {
  if (error instanceof CiroError || !(error instanceof Error) || !('code' in error)) return error;
  const refuse = (code: EdgeError['code'], message: string): EdgeError => new EdgeError(code, message, { fault: 'user' });
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return refuse('invalid_json', 'the body is not JSON; send one JSON object');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refuse('body_too_large', `the body has more than ${bodyLimit} bytes, which is the limit here; send less`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refuse('unsupported_media_type', 'the body must be JSON; send the header "Content-Type: application/json"');
  }
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  return status >= 400 && status < 500 ? refuse('bad_request', 'the request could not be read; check its form') : error;
}

async function readPem(path: string, variable: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EdgeError('unreadable_file', `${variable} names ${path}, which cannot be read; give the path of a PEM file`, { fault: 'user', cause });
  }
}
