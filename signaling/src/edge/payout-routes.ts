import * as v from 'valibot';
import { PayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { EdgeError } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { PayoutLinks, PayoutStatus } from '../settlement/payout-links.ts';
import type { AddressLimits } from './address-limits.ts';

/** Field elements of a wallet's signature: two for one key, some dozens for passkeys and several signers. */
const MAX_SIGNATURE_FELTS = 128;

const IdentityKey = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/));
const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/, 'expected a field element in 0x hex'));
/** Body of `POST /v1/payouts`. */
export const PayoutBody = v.strictObject({
  change: PayoutChange,
  identity_signature: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/, 'expected 128 hex digits'))),
  wallet_signature: v.nullable(v.pipe(v.array(Felt), v.minLength(1), v.maxLength(MAX_SIGNATURE_FELTS))),
});

export interface PayoutRouteDependencies {
  /** Undefined: nobody is paid on a chain here. */
  readonly links?: Pick<PayoutLinks, 'status' | 'ask'> | undefined;
}

/**
 * `GET /v1/payouts/KEY` (where the worker with that identity key is paid, and what waits) and `POST /v1/payouts` (a signed change, SPEC Y9). Whoever knows a worker's
 * identity key may look: what is paid to whom is on the chain.
 */
export function payoutRoutes(app: FastifyInstance, { links }: PayoutRouteDependencies, limits: Pick<AddressLimits, 'take'>): void {
  const there = (): NonNullable<typeof links> => {
    if (links === undefined) throw new EdgeError('no_chain', 'this coordinator has no chain: credits stay in its ledger', { fault: 'user' });
    return links;
  };

  app.get<{ Params: { key: string } }>('/v1/payouts/:key', async ({ params, ip }, reply) => {
    reply.header('cache-control', 'no-store');
    limits.take(ip);
    if (!v.is(IdentityKey, params.key)) throw new EdgeError('bad_request', 'a worker is named by its identity key: 0x and lower-case hex without leading zeros', { fault: 'user', fields: { param: 'key' } });
    return payoutBody(await there().status(params.key));
  });

  app.post('/v1/payouts', async ({ body, ip }, reply) => {
    reply.header('cache-control', 'no-store');
    limits.take(ip);
    const asked = v.safeParse(PayoutBody, body, { abortEarly: true });
    if (!asked.success) {
      const param = v.getDotPath(asked.issues[0]) ?? 'body';
      throw new EdgeError('bad_request', `the change cannot be read (${param}: ${asked.issues[0].message.slice(0, 200)})`, { fault: 'user', fields: { param } });
    }
    const { change, identity_signature: identitySignature, wallet_signature: given } = asked.output;
    const walletSignature = given?.map((felt) => `0x${BigInt(felt).toString(16)}`) ?? null;
    return payoutBody(await there().ask({ change, identitySignature, walletSignature }));
  });
}

function payoutBody({ chainId, store, own, account, since, kept, waiting, nonce, delayMs }: PayoutStatus): object {
  return {
    object: 'payout',
    chain_id: chainId,
    store,
    own_account: own,
    account,
    since,
    kept: Array.from(kept, ([of, amount]) => ({ account: of, credits: String(amount) })),
    waiting,
    next_change: nonce,
    delay_seconds: Math.ceil(delayMs / 1000),
  };
}
