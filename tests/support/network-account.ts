import * as v from 'valibot';
import type { Door } from './network-question.ts';

const Account = v.object({ balance: v.pipe(v.string(), v.regex(/^\d+$/)) });

/** What this door's account may still spend, in base units. */
export async function balanceOf(door: Door): Promise<bigint> {
  const response = await fetch(new URL('/v1/account', door.url), { headers: { authorization: `Bearer ${door.trialKey}` } });
  return BigInt(v.parse(Account, await response.json()).balance);
}
