import * as v from 'valibot';
import { HexHash } from '@ciro/core/ids.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Dispute } from '../disputes/dispute-store.ts';

/** Disputes in one list. */
const MAX_LISTED = 100;
/** A case file never changes: a year, as long as caches keep anything. */
const FOREVER = 'public, max-age=31536000, immutable';

/** The name of a case file: SHA-256 in hex, or the felt that the court keeps of it. */
const Name = v.union([HexHash, v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/))]);

export interface DisputeRouteDependencies {
  /** What was brought before the court, or will be; a coordinator without a chain has none, or those of the time when it had one. */
  readonly disputes: { list(limit: number): Promise<readonly Dispute[]>; find(name: string): Promise<Dispute | undefined>; text(hash: HexHash): Promise<string | undefined> };
}

/**
 * `GET /v1/disputes` (newest first), `GET /v1/disputes/NAME` (where one stands) and `GET /v1/disputes/NAME/file` (its case file: the very bytes that
 * NAME is the hash of, once the court is told of them). Public: arbiters and the accused need them, and the chain names them.
 */
export function disputeRoutes(app: FastifyInstance, { disputes }: DisputeRouteDependencies): void {
  const find = async (name: string): Promise<Dispute> => {
    if (!v.is(Name, name)) throw new EdgeError('bad_request', 'a dispute is named by the hash of its case file: 64 hex digits, or the 0x felt of the court', { fault: 'user', fields: { param: 'name' } });
    const found = await disputes.find(name);
    if (found === undefined) throw new EdgeError('not_found', 'there is no such dispute; GET /v1/disputes lists them', { fault: 'user' });
    return found;
  };

  app.get('/v1/disputes', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { object: 'list', data: (await disputes.list(MAX_LISTED)).map(disputeBody) };
  });

  app.get<{ Params: { name: string } }>('/v1/disputes/:name', async ({ params }, reply) => {
    reply.header('cache-control', 'no-store');
    return disputeBody(await find(params.name));
  });

  app.get<{ Params: { name: string } }>('/v1/disputes/:name/file', async ({ params, headers }, reply) => {
    const { hash, fromBlock } = await find(params.name);
    // Its rows can be made into a prompt again: nobody needs them before the court is asked.
    const text = hash === null || fromBlock === null ? undefined : await disputes.text(hash);
    if (text === undefined) throw new EdgeError('not_found', 'this dispute has no case file, or none that the court was told of', { fault: 'user' });
    const tag = `"${hash}"`;
    reply.header('cache-control', FOREVER).header('etag', tag).type('application/json; charset=utf-8');
    return headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(text);
  });
}

function disputeBody({ job, stage, worker, notedAt, hash, accused, ref, evidence, state, note, transaction, caseId, ruling }: Dispute): object {
  const ruled = ruling === null ? null : { guilty: ruling.guilty, by_timeout: ruling.byTimeout, slashed: String(ruling.slashed), bond_to: ruling.bondTo, transaction: ruling.transaction };
  return { object: 'dispute', job, stage, worker, state, note, noted: notedAt, case_id: caseId, accused, ref, evidence, transaction, ruling: ruled, case_file: hash, file: hash === null ? null : `/v1/disputes/${hash}/file` };
}
