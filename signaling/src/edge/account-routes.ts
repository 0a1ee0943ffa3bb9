import { TRIAL_CREDITS, formatCredits } from '@ciro/core/units.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AddressLimits } from './address-limits.ts';

/** `POST /v1/trial` (a key with trial credits) and `GET /v1/account` (what the key may still spend). */
export function accountRoutes(app: FastifyInstance, { accounts, ledger, trialLimits }: { readonly accounts: Accounts; readonly ledger: Ledger; readonly trialLimits: AddressLimits }): void {
  app.post('/v1/trial', async (request, reply) => {
    trialLimits.take(request.ip);
    const { account, key } = await accounts.openTrial();
    return reply.code(201).header('cache-control', 'no-store').send({ object: 'trial', key, account, credits: Number(TRIAL_CREDITS) });
  });

  app.get('/v1/account', async (request, reply) => {
    const { account } = await accounts.allow(request.headers.authorization, 'read');
    const balance = await ledger.balance(account);
    reply.header('cache-control', 'no-store');
    return { object: 'account', account, balance: String(balance), credits: formatCredits(balance) };
  });
}
