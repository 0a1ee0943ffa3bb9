import { randomBytes } from 'node:crypto';
import { LINE_PROBE_DOWN_BYTES, LINE_PROBE_UP_BYTES } from '@ciro/core/protocol/limits.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { AddressLimits } from './address-limits.ts';

/** What no proxy on the way makes smaller. */
const NOISE = randomBytes(LINE_PROBE_DOWN_BYTES);

/**
 * `GET /line/BYTES` gives so many bytes, `POST /line` takes a body of `application/octet-stream` and answers 204: with these a tab that fetched nothing measures its line
 * (SPEC W3). Bounded in bytes by the protocol, and in number by address; neither keeps anything.
 */
export async function lineRoutes(app: FastifyInstance, { limits }: { readonly limits: Pick<AddressLimits, 'take'> }): Promise<void> {
  app.get<{ Params: { bytes: string } }>('/line/:bytes', async ({ params, ip }, reply) => {
    limits.take(ip);
    const bytes = Number(params.bytes);
    if (!/^\d{1,7}$/.test(params.bytes) || bytes < 1 || bytes > LINE_PROBE_DOWN_BYTES) {
      throw new EdgeError('bad_request', `a probe gives 1 to ${LINE_PROBE_DOWN_BYTES} bytes; ask for as many in /line/BYTES`, { fault: 'user' });
    }
    return reply.header('cache-control', 'no-store').type('application/octet-stream').send(NOISE.subarray(0, bytes));
  });

  // Only here a body is no JSON.
  await app.register(async (scope) => {
    scope.addContentTypeParser('application/octet-stream', { parseAs: 'buffer', bodyLimit: LINE_PROBE_UP_BYTES }, (_request, _body, done) => done(null, undefined));
    scope.post('/line', { bodyLimit: LINE_PROBE_UP_BYTES, onRequest: async ({ ip }) => limits.take(ip) }, async (_request, reply) => reply.code(204).header('cache-control', 'no-store').send());
  });
}
