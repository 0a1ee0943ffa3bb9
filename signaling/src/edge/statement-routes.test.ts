import { expect, it } from 'vitest';
import { identityPublicKey, nodeIdOf } from '@ciro/core/identity/identity.ts';
import { statementAuthorization } from '@ciro/core/ledger/statement-request.ts';
import { callerOf } from '../accounts/caller.fixture.ts';
import type { Caller } from '../accounts/caller.ts';
import { AccountError } from '../accounts/account-error.ts';
import { AccountStatements } from '../ledger/account-statements.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';
import { statementRoutes } from './statement-routes.ts';
import type { JobId } from '@ciro/core/ids.ts';

const NOW = 1_800_000_000_000;
const IDENTITY = '0x5eed';
const worker = identityPublicKey(IDENTITY);
const JOB = 'ab'.repeat(16) as JobId;

async function served() {
  const store = new MemoryLedgerStore();
  const ledger = new Ledger(store, { now: () => NOW });
  await ledger.start();
  await ledger.openTrial('ada');
  await ledger.hold(JOB, 'ada', 100n);
  await ledger.settle(JOB, { debit: 60n, fee: 5n, credits: [{ worker: nodeIdOf(worker), amount: 55n }] });
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  const allow = async (header: string | undefined): Promise<Caller> => {
    if (header !== 'Bearer ada') throw new AccountError('unknown-key', 'unknown', { fault: 'user' });
    return callerOf('ada');
  };
  statementRoutes(app, { accounts: { allow }, statements: new AccountStatements(store), network: 'ciro-1' }, { now: () => NOW, limits: { take: () => undefined } });
  return (query: string, authorization = 'Bearer ada') => app.inject({ url: `/v1/account/statement${query}`, headers: { authorization } });
}

it('M12: pages through a requester\'s entries as JSON and as CSV', async () => {
  const get = await served();
  const first = await get('?limit=2');
  expect(first.json()).toMatchObject({ object: 'statement', holder: { account: 'ada' }, opening: { given: '0', paid: '0' }, entries: [{ kind: 'trial' }, { kind: 'hold', amount: '-100', purse: 'given', job: JOB, time: new Date(NOW).toISOString() }], has_more: true });
  const rest = await get(String(first.headers['link']).replace(/^<[^?]*(.*)>; rel="next"$/, '$1'));
  expect(rest.json()).toMatchObject({ opening: first.json().closing, entries: [{ kind: 'charge', amount: '40' }], has_more: false, next_after: null });
  const csv = await get('?format=csv&from=2027-01-15&to=2027-01-16T00:00:00Z');
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  expect(csv.body.split('\r\n')).toHaveLength(5);
});

it('M12: gives a worker its own entries for its signature, and nobody else', async () => {
  const get = await served();
  const at = NOW / 1000;
  expect((await get('', statementAuthorization({ network: 'ciro-1', worker, at }, IDENTITY))).json()).toMatchObject({ holder: { worker: nodeIdOf(worker) }, entries: [{ kind: 'charge', purse: 'pending', amount: '55', balance: '55' }] });
  const forged = [statementAuthorization({ network: 'ciro-2', worker, at }, IDENTITY), statementAuthorization({ network: 'ciro-1', worker, at }, '0x5eee'), statementAuthorization({ network: 'ciro-1', worker, at: at - 301 }, IDENTITY), 'CiroWorker x', 'Bearer eve'];
  for (const header of forged) expect((await get('', header)).statusCode).toBe(401);
});

it('refuses a range that cannot be read, naming the part', async () => {
  const get = await served();
  for (const [query, param] of [['?from=yesterday', 'from'], ['?to=2026-13-45', 'to'], ['?from=2027-01-02&to=2027-01-01', 'from'], ['?format=xml', 'format'], ['?limit=501', 'limit'], ['?limit=0', 'limit'], ['?after=-1', 'after'], ['?account=bob', 'account']] as const) {
    const answer = await get(query);
    expect([answer.statusCode, answer.json().error]).toMatchObject([400, { code: 'bad_request', param }]);
  }
});
