import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { EvidenceDesk } from '../evidence/evidence-desk.ts';

/** Seconds after which asking again makes sense: roots and acknowledgements are waited for at most 5 s. */
const RETRY_AFTER_S = 1;

/** `GET /v1/jobs/ID/evidence`: 200 with the evidence, 202 while the job is not settled, 409 when it failed, 404 for anyone else's. */
export function jobRoutes(app: FastifyInstance, { accounts, evidence }: { readonly accounts: Accounts; readonly evidence: EvidenceDesk }): void {
  app.get<{ Params: { id: string } }>('/v1/jobs/:id/evidence', async ({ params, headers }, reply) => {
    const account = await accounts.authenticate(headers.authorization);
    const answer = await evidence.find(params.id, account);
    reply.header('cache-control', 'no-store');
    switch (answer.state) {
      case 'unknown':
        throw new EdgeError('job_not_found', `this key has no job ${params.id.slice(0, 64)}; use the key that asked`, { fault: 'user' });
      case 'failed':
        throw new EdgeError('job_failed', `job ${params.id} has no evidence, it failed: ${answer.failure.message}`, { fault: 'user' });
      case 'running':
        return reply.code(202).header('retry-after', RETRY_AFTER_S).send({ status: 'running', job: params.id });
      case 'recorded':
        return answer.evidence;
    }
  });
}
