import * as v from 'valibot';
import { LinkError } from './link-error.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';

/** The coordinator asks its node three times. */
const ANSWER_MS = 30_000;

const Felt = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Status = v.object({
  chain_id: Felt,
  store: Felt,
  own_account: Felt,
  account: Felt,
  since: v.nullable(Count),
  kept: v.array(v.object({ account: Felt, credits: v.pipe(v.string(), v.regex(/^[0-9]{1,39}$/), v.transform((text) => BigInt(text))) })),
  waiting: v.nullable(v.object({ account: Felt, from: Count })),
  next_change: v.pipe(Count, v.minValue(1)),
  delay_seconds: Count,
});
/** Where a worker is paid, as its coordinator says: `GET /v1/payouts/KEY`. Times in epoch milliseconds, amounts in base units of credits. */
export type PayoutStatus = v.InferOutput<typeof Status>;

const Refused = v.object({ error: v.object({ message: v.string(), code: v.string() }) });

export interface HandedIn {
  readonly change: PayoutChange;
  readonly identity_signature: string | null;
  readonly wallet_signature: readonly string[] | null;
}

/** Payout accounts as the coordinator keeps them. `base` ends in a slash. Both calls reject with LinkError. */
export function payoutLine(base: string, fetcher: typeof fetch) {
  const ask = async (path: string, body?: HandedIn): Promise<PayoutStatus> => {
    let response: Response;
    let answer: unknown;
    try {
      const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      response = await fetcher(new URL(path, base), { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
      answer = await response.json();
    } catch (cause) {
      throw new LinkError('unreachable', `the coordinator did not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { fault: 'platform', cause });
    }
    if (!response.ok) {
      const said = v.safeParse(Refused, answer);
      const { code, message } = said.success ? said.output.error : { code: 'unknown', message: `status ${response.status}` };
      throw new LinkError(code === 'no_chain' ? 'no_chain' : 'not_taken', message.slice(0, 400), { fault: 'user', fields: { code } });
    }
    const status = v.safeParse(Status, answer);
    if (!status.success) throw new LinkError('bad_answer', `the coordinator's answer cannot be used (${v.getDotPath(status.issues[0]) ?? 'all of it'}: ${status.issues[0].message})`.slice(0, 300), { fault: 'peer' });
    return status.output;
  };
  return { status: (identityPublicKey: string) => ask(`v1/payouts/${identityPublicKey}`), hand: (change: HandedIn) => ask('v1/payouts', change) };
}
