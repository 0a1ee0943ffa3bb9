import * as v from 'valibot';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { Ledger } from '../ledger/ledger.ts';

const Sequence = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,14})$/), v.transform(Number));
/** Without `from` the first entry is given, too. */
const Range = v.strictObject({ from: v.optional(Sequence), to: Sequence });
const BEFORE_THE_FIRST = -1;

export interface LedgerRouteDependencies {
  readonly ledger: Pick<Ledger, 'links'>;
  /** The ledger's head, signed; undefined while it is empty. */
  readonly head: () => Promise<SignedHead | undefined>;
}

/**
 * `GET /v1/ledger/head` (the signed head) and `GET /v1/ledger/links?from=&to=` (links of the entries after `from`, or from the
 * first one, up to `to`, as many as are given out at a time: ask again from the last one). Public: a link shows an entry's place in the chain and nothing
 * of what it says (SPEC B1, B2).
 */
export function ledgerRoutes(app: FastifyInstance, { ledger, head }: LedgerRouteDependencies): void {
  app.get('/v1/ledger/head', async (_request, reply) => {
    const signed = await head();
    if (signed === undefined) throw new EdgeError('not_found', 'the ledger has no entry yet', { fault: 'user' });
    reply.header('cache-control', 'no-store');
    return signed;
  });

  app.get('/v1/ledger/links', async ({ query }, reply) => {
    const range = v.safeParse(Range, query);
    if (!range.success || (range.output.from ?? BEFORE_THE_FIRST) > range.output.to) {
      throw new EdgeError('bad_request', 'links are asked for as ?from=SEQUENCE&to=SEQUENCE, two entry numbers in rising order; `from` itself is not given; without it they begin with the first', { fault: 'user' });
    }
    const { from = BEFORE_THE_FIRST, to } = range.output;
    reply.header('cache-control', 'no-store');
    return { object: 'list', from, to, data: await ledger.links(from, to) };
  });
}
