import { chainRpcRoute } from './chain-rpc.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { AddressLimits } from './address-limits.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';

export interface ChainRouteDependencies {
  /** Absent: this coordinator pays nobody on a chain. */
  readonly door?: PublicDoor;
  /** Its own node, which answers tabs' reads. */
  readonly node?: string;
}

/** `GET /v1/chain`: where clients act on the chain (SPEC Y6); 404 `no_chain` where credits stay in the ledger. Public, it holds no secret. */
export function chainRoutes(app: FastifyInstance, { door, node }: ChainRouteDependencies, limits: Pick<AddressLimits, 'take'>): void {
  app.get('/v1/chain', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    if (door === undefined) throw new EdgeError('no_chain', 'this coordinator has no chain: credits stay in its ledger', { fault: 'user' });
    return { object: 'chain', ...door };
  });
  if (door !== undefined && node !== undefined) chainRpcRoute(app, { node, limits });
}
