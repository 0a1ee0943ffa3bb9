import { expect, it } from 'vitest';
import { escrowRoutes } from './escrow-routes.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';
import type { Escrow } from '../escrow/ports.ts';
import type { EscrowTermsView } from './escrow-routes.ts';

const TERMS: EscrowTermsView = { chainId: '0x534e', jobManager: '0x10b', store: '0x57', rate: { tokens: 1n, credits: 1n }, leastTime: 600 };
const ESCROW: Escrow = { id: '0x7a5', job: '0c'.repeat(16) as Escrow['job'], acceptedAt: 1_500.5, state: 'answered', budget: 10n ** 30n, deadline: 9_000, result: { root: '0xabc', used: 40n }, sent: { start: { transaction: '0x1', at: 5 } } };

async function served(terms: EscrowTermsView | undefined) {
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error, 'http://here/');
    return reply.code(status).send(body);
  });
  escrowRoutes(app, { terms, find: async (id) => (id === ESCROW.id ? ESCROW : undefined) });
  return (url: string) => app.inject({ url });
}

it('N3, N8: says where a job is funded, and where one stands, amounts as text', async () => {
  const get = await served(TERMS);
  expect((await get('/v1/escrows')).json()).toEqual({ object: 'escrow.terms', chain_id: '0x534e', job_manager: '0x10b', store: '0x57', rate: { tokens: '1', credits: '1' }, least_seconds: 600 });
  expect((await get('/v1/escrows/0x7a5')).json()).toEqual({ object: 'escrow', id: '0x7a5', job: ESCROW.job, state: 'answered', created: 1, budget: `1${'0'.repeat(30)}`, deadline: 9_000, used: '40', result_root: '0xabc', transactions: { start: '0x1' } });
});

it('refuses what is no id, and what was not asked with here', async () => {
  const get = await served(undefined);
  const answers = await Promise.all(['/v1/escrows', '/v1/escrows/0x7a6', '/v1/escrows/0x07', '/v1/escrows/7a5'].map(get));
  expect(answers.map((answer) => [answer.statusCode, answer.json().error.code])).toEqual([[404, 'not_found'], [404, 'not_found'], [400, 'bad_request'], [400, 'bad_request']]);
});
