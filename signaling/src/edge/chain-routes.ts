import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';

export interface ChainRouteDependencies {
  /** Absent: this coordinator pays nobody on a chain. */
  readonly door?: ChainDoor;
}

/** `GET /v1/chain`: where clients act on the chain (SPEC Y6); 404 `no_chain` where credits stay in the ledger. Public, it holds no secret. */
export function chainRoutes(app: FastifyInstance, { door }: ChainRouteDependencies): void {
  app.get('/v1/chain', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    if (door === undefined) throw new EdgeError('no_chain', 'this coordinator has no chain: credits stay in its ledger', { fault: 'user' });
    return { object: 'chain', ...door };
  });
}
