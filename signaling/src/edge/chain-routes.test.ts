import { expect, it } from 'vitest';
import * as v from 'valibot';
import { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import { chainRoutes } from './chain-routes.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';
import type { ChainRouteDependencies } from './chain-routes.ts';

const DOOR = v.parse(PublicDoor, { network: 'devnet', chainId: '0x534e', rpc: 'http://127.0.0.1:5050/rpc', token: '0x1', store: '0x2', pool: '0x3', jobManager: '0x4', court: '0x5', forwarder: '0x6', accountClass: '0x7', stakeToken: '0x8' });

async function served(dependencies: ChainRouteDependencies) {
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  chainRoutes(app, dependencies, { take: () => {} });
  return app.inject({ url: '/v1/chain' });
}

it('Y6: tells where clients act on the chain, in a form that the client accepts', async () => {
  const answer = await served({ door: DOOR });
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  expect(v.parse(PublicDoor, answer.json())).toEqual(DOOR);
});

it('Y6: says by a code that there is no chain', async () => {
  const answer = await served({});
  expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'no_chain']);
});
