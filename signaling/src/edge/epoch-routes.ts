import * as v from 'valibot';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Settlement } from '../settlement/settlement.ts';
import type { StoredEpoch } from '../settlement/ports.ts';

/** Epochs in one list: four days of one an hour. */
const MAX_LISTED = 100;
/** What is published once never changes: a year, as long as caches keep anything. */
const FOREVER = 'public, max-age=31536000, immutable';

const Epoch = v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,14}$/), v.transform(Number));
const Account = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/));

export interface EpochRouteDependencies {
  /** What has been settled; a coordinator without a chain has no epochs, or those of the time when it had one. */
  readonly settlement: Pick<Settlement, 'epochs' | 'epoch' | 'proof' | 'performance' | 'performanceProof'>;
}

/**
 * `GET /v1/epochs` (newest first, where each stands on the chain), `GET /v1/epochs/N` (the epoch as it was closed: everything that its root is made
 * of) and `GET /v1/epochs/N/proofs/ACCOUNT` (what the account needs to claim by itself; of the newest epochs); `GET /v1/epochs/N/performance` (what
 * workers did up to it) and `GET /v1/epochs/N/performance/ACCOUNT` (what `prove_active` of the pool needs; of the newest). Public: it is on the chain.
 */
export function epochRoutes(app: FastifyInstance, { settlement }: EpochRouteDependencies): void {
  app.get('/v1/epochs', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { object: 'list', data: (await settlement.epochs(MAX_LISTED)).map(epochBody) };
  });

  app.get<{ Params: { epoch: string } }>('/v1/epochs/:epoch', async ({ params, headers }, reply) => {
    const number = numberOf(params.epoch);
    const epoch = await settlement.epoch(number);
    if (epoch === undefined) throw noEpoch(number);
    const tag = `"${epoch.data_hash}"`;
    reply.header('cache-control', FOREVER).header('etag', tag);
    return headers['if-none-match'] === tag ? reply.code(304).send() : epoch;
  });

  app.get<{ Params: { epoch: string; account: string } }>('/v1/epochs/:epoch/proofs/:account', async ({ params }, reply) => {
    const number = numberOf(params.epoch);
    mustBeAccount(params.account);
    const proof = await settlement.proof(number, params.account);
    if (proof === undefined) throw new EdgeError('not_found', `epoch ${number} has no entry of that account, or is not among the newest: GET /v1/epochs/${number} gives all of it, if it is there`, { fault: 'user' });
    reply.header('cache-control', FOREVER);
    return { object: 'epoch.proof', ...proof };
  });

  app.get<{ Params: { epoch: string } }>('/v1/epochs/:epoch/performance', async ({ params }, reply) => {
    const number = numberOf(params.epoch);
    const performance = await settlement.performance(number);
    if (performance === undefined) throw new EdgeError('not_found', `nothing was posted of what workers did up to epoch ${number}, or it is over a week old; GET /v1/epochs lists the epochs`, { fault: 'user' });
    reply.header('cache-control', FOREVER);
    return performance;
  });

  app.get<{ Params: { epoch: string; account: string } }>('/v1/epochs/:epoch/performance/:account', async ({ params }, reply) => {
    const number = numberOf(params.epoch);
    mustBeAccount(params.account);
    const proof = await settlement.performanceProof(number, params.account);
    if (proof === undefined) throw new EdgeError('not_found', `that account is not among the workers of the newest performance, or that is not epoch ${number}'s: GET /v1/epochs/${number}/performance gives all of it, if it is there`, { fault: 'user' });
    reply.header('cache-control', FOREVER);
    return { object: 'epoch.performance.proof', ...proof };
  });
}

function mustBeAccount(account: string): void {
  if (!v.is(Account, account)) throw new EdgeError('bad_request', 'the account is not an address: 0x hex without leading zeros', { fault: 'user', fields: { param: 'account' } });
}

function numberOf(text: string): number {
  const number = v.safeParse(Epoch, text);
  if (!number.success) throw new EdgeError('bad_request', 'epochs are numbered from 1 on', { fault: 'user', fields: { param: 'epoch' } });
  return number.output;
}

const noEpoch = (number: number): EdgeError => new EdgeError('not_found', `there is no epoch ${number}; GET /v1/epochs lists those that are there`, { fault: 'user' });

function epochBody({ summary, state, closedAt, transaction, block }: StoredEpoch): object {
  const { network: _network, epoch, ...rest } = summary;
  return { object: 'epoch', epoch, state, closed: closedAt, ...rest, transaction, block };
}
