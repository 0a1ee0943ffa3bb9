import * as v from 'valibot';
import { EscrowId } from '@ciro/core/settlement/escrow.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Escrow } from '../escrow/ports.ts';

/** What a client has to know before it funds a job. */
export interface EscrowTermsView {
  /** 0x hex. */
  readonly chainId: string;
  readonly jobManager: string;
  /** Workers are paid from it: a token is taken whose sink it is. */
  readonly store: string;
  /** Base units of the token for base units of credits. */
  readonly rate: { readonly tokens: bigint; readonly credits: bigint };
  /** Seconds that must be left to the deadline. */
  readonly leastTime: number;
}

export interface EscrowRouteDependencies {
  /** Undefined: no escrows are served. */
  readonly terms: EscrowTermsView | undefined;
  find(id: EscrowId): Promise<Escrow | undefined>;
}

/** `GET /v1/escrows` (where and how a job is funded) and `GET /v1/escrows/ID` (where one stands here; the contract itself says the rest). */
export function escrowRoutes(app: FastifyInstance, { terms, find }: EscrowRouteDependencies): void {
  app.get('/v1/escrows', async () => {
    if (terms === undefined) throw new EdgeError('not_found', 'this coordinator serves no escrows: it has no contract', { fault: 'user' });
    const { chainId, jobManager, store, rate, leastTime } = terms;
    return { object: 'escrow.terms', chain_id: chainId, job_manager: jobManager, store, rate: { tokens: String(rate.tokens), credits: String(rate.credits) }, least_seconds: leastTime };
  });

  app.get<{ Params: { id: string } }>('/v1/escrows/:id', async ({ params }, reply) => {
    if (!v.is(EscrowId, params.id)) throw new EdgeError('bad_request', 'an escrow is named by the job id of the contract: 0x and lower-case hex without leading zeros', { fault: 'user', fields: { param: 'id' } });
    const escrow = await find(params.id);
    if (escrow === undefined) throw new EdgeError('not_found', `escrow ${params.id} was not asked with here; the contract says how it stands`, { fault: 'user' });
    reply.header('cache-control', 'no-store');
    return escrowBody(escrow);
  });
}

function escrowBody({ id, job, state, acceptedAt, budget, deadline, result, sent }: Escrow): object {
  const transactions = Object.fromEntries(Object.entries(sent).map(([step, { transaction }]) => [step, transaction]));
  return { object: 'escrow', id, job, state, created: Math.floor(acceptedAt / 1000), budget: String(budget), deadline, used: result === null ? null : String(result.used), result_root: result?.root ?? null, transactions };
}
