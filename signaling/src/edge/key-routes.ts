import { formatCredits } from '@ciro/core/units.ts';
import { parseKeyWish } from '../accounts/key-wish.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { StoredKey } from '../accounts/account-store.ts';
import type { Ledger } from '../ledger/ledger.ts';

export interface KeyRouteDependencies {
  readonly accounts: Pick<Accounts, 'authenticate' | 'keys' | 'makeKey' | 'revokeKey'>;
  readonly ledger: Pick<Ledger, 'spentBy'>;
  readonly now: () => number;
}

/**
 * Keys of the caller's account, for a key with the scope `manage` (SPEC J2 to J4): `POST /v1/keys` makes one and shows its text this once, `GET /v1/keys` lists those that
 * are not revoked with what they have spent, `DELETE /v1/keys/ID` revokes one and ends its answers. Credits are decimal strings.
 */
export function keyRoutes(app: FastifyInstance, { accounts, ledger, now }: KeyRouteDependencies): void {
  app.post('/v1/keys', async ({ headers, body }, reply) => {
    const caller = await accounts.authenticate(headers.authorization);
    const { stored, text } = await accounts.makeKey(caller, parseKeyWish(body, now()));
    return reply.code(201).header('cache-control', 'no-store').send({ ...shown(stored), key: text });
  });

  app.get('/v1/keys', async ({ headers }, reply) => {
    const caller = await accounts.authenticate(headers.authorization);
    const keys = await accounts.keys(caller);
    reply.header('cache-control', 'no-store');
    const data = [];
    for (const key of keys) {
      const { total, day } = await ledger.spentBy(key.id);
      data.push({ ...shown(key), this_one: key.id === caller.key.id, spent: { total: formatCredits(total), today: formatCredits(day) } });
    }
    return { object: 'list', data };
  });

  app.delete<{ Params: { id: string } }>('/v1/keys/:id', async ({ headers, params: { id } }, reply) => {
    await accounts.revokeKey(await accounts.authenticate(headers.authorization), id);
    return reply.header('cache-control', 'no-store').send({ object: 'api_key.deleted', id, deleted: true });
  });
}

const DECIMALS = 18;
const timeOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
const creditsOf = (amount: bigint | null): string | null => (amount === null ? null : formatCredits(amount, DECIMALS));

function shown({ id, name, shown: begins, scopes, budget, createdAt, expiresAt, usedOn }: StoredKey): object {
  return { object: 'api_key', id, name, begins, scopes, budget: { total: creditsOf(budget.total), daily: creditsOf(budget.daily) }, created_at: timeOf(createdAt), expires_at: timeOf(expiresAt), last_used_on: timeOf(usedOn)?.slice(0, 10) ?? null };
}
