import * as v from 'valibot';
import { nodeIdOf } from '@ciro/core/identity/identity.ts';
import { STATEMENT_REQUEST_VALID_S, workerOfAuthorization } from '@ciro/core/ledger/statement-request.ts';
import { AccountError } from '../accounts/account-error.ts';
import { MAX_STATEMENT_ENTRIES } from '../ledger/account-statements.ts';
import { statementCsv } from '../ledger/statement-csv.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { AccountStatements, StatementHolder, StatementPage } from '../ledger/account-statements.ts';
import type { AddressLimits } from './address-limits.ts';

/** A day, or a second of it, UTC. */
const Time = v.pipe(
  v.string(),
  v.regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$/, 'expected a UTC day or time like 2026-12-01 or 2026-12-01T15:00:00Z'),
  v.transform((text) => Date.parse(text)),
  v.number('expected a day or time that exists'),
);
const Whole = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,14})$/, 'expected a whole number'), v.transform(Number));
const Query = v.strictObject({
  from: v.optional(Time),
  to: v.optional(Time),
  format: v.optional(v.picklist(['json', 'csv'], 'expected json or csv'), 'json'),
  after: v.optional(Whole),
  limit: v.optional(v.pipe(Whole, v.minValue(1, 'must be at least 1'), v.maxValue(MAX_STATEMENT_ENTRIES, `must be at most ${MAX_STATEMENT_ENTRIES}`)), String(MAX_STATEMENT_ENTRIES)),
});

export interface StatementRouteDependencies {
  readonly accounts: Pick<Accounts, 'allow'>;
  readonly statements: Pick<AccountStatements, 'page'>;
  readonly network: string;
}

/**
 * `GET /v1/account/statement?from=&to=&format=json|csv&after=&limit=` (SPEC M12): entries of an API key's account, or of a worker that signs its request,
 * booked from `from` on and before `to`, in base units. A page names the next one by the header `Link`.
 */
export function statementRoutes(app: FastifyInstance, { accounts, statements, network }: StatementRouteDependencies, options: { readonly now: () => number; readonly limits: Pick<AddressLimits, 'take'> }): void {
  const holderOf = async (header: string | undefined): Promise<StatementHolder> => {
    if (header?.startsWith('CiroWorker ') !== true) return { requester: (await accounts.allow(header, 'read')).account };
    const worker = workerOfAuthorization(header, { network, now: Math.floor(options.now() / 1000) });
    if (worker === undefined) throw new AccountError('unknown-key', `the worker's signature is not good for ${network} now; sign again, with a clock that is right to ${STATEMENT_REQUEST_VALID_S} s`, { fault: 'user' });
    return { worker: nodeIdOf(worker) };
  };

  app.get('/v1/account/statement', async ({ query, headers, ip }, reply) => {
    options.limits.take(ip);
    const holder = await holderOf(headers.authorization);
    const asked = v.safeParse(Query, query, { abortEarly: true });
    if (!asked.success) {
      const param = v.getDotPath(asked.issues[0]) ?? 'query';
      throw new EdgeError('bad_request', `a statement is asked for as ?from=&to=&format=json|csv&after=&limit= (${param}: ${asked.issues[0].message.slice(0, 200)})`, { fault: 'user', fields: { param } });
    }
    const { format, from, to, after, limit } = asked.output;
    if (from !== undefined && to !== undefined && from > to) throw new EdgeError('bad_request', 'from is later than to; a statement begins before it ends', { fault: 'user', fields: { param: 'from' } });
    const page = await statements.page(holder, { limit, ...(from !== undefined && { from }), ...(to !== undefined && { to }), ...(after !== undefined && { after }) });
    reply.header('cache-control', 'no-store');
    if (page.next !== undefined) reply.header('link', `<${linkTo(query as Record<string, string>, page.next)}>; rel="next"`);
    if (format === 'csv') return reply.type('text/csv; charset=utf-8; header=present').header('content-disposition', 'attachment; filename="ciro-statement.csv"').send(statementCsv(page.rows));
    return bodyOf(holder, page);
  });
}

const linkTo = (query: Readonly<Record<string, string>>, after: number): string => `/v1/account/statement?${new URLSearchParams({ ...query, after: String(after) }).toString()}`;

function bodyOf(holder: StatementHolder, { opening, rows, closing, next }: StatementPage): object {
  const amounts = (of: ReadonlyMap<string, bigint>): object => Object.fromEntries([...of].map(([purse, amount]) => [purse, String(amount)]));
  return {
    object: 'statement',
    holder: 'requester' in holder ? { account: holder.requester } : { worker: holder.worker },
    opening: amounts(opening),
    entries: rows.map(({ sequence, at, kind, job, key, purse, amount, balance }) => ({ entry: sequence, time: new Date(at).toISOString(), kind, job, cause: key, purse, amount: String(amount), balance: String(balance) })),
    closing: amounts(closing),
    has_more: next !== undefined,
    next_after: next ?? null,
  };
}
