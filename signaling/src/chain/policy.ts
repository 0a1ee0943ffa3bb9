import * as v from 'valibot';
import { MAX_WORK_BITS, MIN_WORK_BITS } from '@ciro/core/sponsorship/work.ts';
import { DEFAULT_VALIDITY_S, MAX_VALIDITY_S } from './chain-limits.ts';
import { FeltSchema } from './felt.ts';
import { refuse } from './relayer-error.ts';
import { selectorOf } from './starknet-hashes.ts';
import type { Felt } from './felt.ts';

const FRI_PER_STRK = 10n ** 18n;

/** A decimal amount of STRK as text, e.g. "0.25"; becomes fri. */
const Strk = v.pipe(
  v.string(),
  v.regex(/^[0-9]{1,9}(\.[0-9]{1,18})?$/, 'expected an amount of STRK as text, e.g. "0.25"'),
  v.transform((text) => {
    const [whole = '0', fraction = ''] = text.split('.');
    return BigInt(whole) * FRI_PER_STRK + BigInt(fraction.padEnd(18, '0'));
  }),
);
const whole = (least: number, most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
/** An entry point by its name; becomes its selector. */
const Entrypoint = v.pipe(v.string(), v.regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/, 'expected the name of an entry point'), v.transform(selectorOf));

const PolicySchema = v.strictObject({
  version: v.literal(1),
  /** Contracts and those of their entry points that are paid for. */
  calls: v.pipe(v.array(v.strictObject({ to: FeltSchema, entrypoints: v.pipe(v.array(Entrypoint), v.minLength(1), v.maxLength(64)) })), v.maxLength(64)),
  /** Account classes served. `public-key`: may also be deployed here, with one felt of constructor calldata that is the public key and the salt; `none`: only where it is deployed already. */
  accountClasses: v.pipe(v.array(v.strictObject({ classHash: FeltSchema, constructor: v.picklist(['public-key', 'none']) })), v.minLength(1), v.maxLength(32)),
  /** Calls of one action: approve and stake are two, and a claim before them. The Paymaster contract has its own bound. */
  maxCalls: v.optional(whole(1, 16), 4),
  /** Felts of calldata of one action's calls together: a claim in a tree of 2^20 leaves has 26. */
  maxCalldata: v.optional(whole(1, 2_000), 128),
  /** Actions of one account in a UTC day: register, stake, claim, and some again. */
  actionsPerAddressPerDay: v.optional(whole(1, 10_000), 12),
  /** Actions asked of one client (an IPv4 address or an IPv6 /64) in an hour, refused ones included: a household, a small office. */
  actionsPerClientPerHour: v.optional(whole(1, 100_000), 60),
  /** Builds of one client in an hour; they cost a node call each and no fee. */
  buildsPerClientPerHour: v.optional(whole(1, 1_000_000), 240),
  /** Nothing is signed beyond this in a UTC day. STRK. */
  strkPerDay: Strk,
  /** The most that one action may cost at the prices of the moment. STRK; a deploy and a call through the Paymaster took 0.017 at 3 gFri. */
  maxStrkPerAction: v.optional(Strk, '0.5'),
  /** Seconds that a build may be signed and executed in. */
  validitySeconds: v.optional(whole(30, MAX_VALIDITY_S), DEFAULT_VALIDITY_S),
  /** What an account that is not deployed has to bring: a ticket of this coordinator, or a proof of so many bits of work; null: not taken. */
  newAccounts: v.strictObject({ tickets: v.boolean(), workBits: v.nullable(whole(MIN_WORK_BITS, MAX_WORK_BITS)) }),
  /** A sender with less than this is not used. STRK. */
  senderFloorStrk: v.optional(Strk, '1'),
  /** Below this the operator is told. STRK. */
  senderAlarmStrk: v.optional(Strk, '5'),
});

/** The policy as it is written: JSON. */
export type PolicyData = v.InferInput<typeof PolicySchema>;

/** What is sponsored, for whom and how much. Amounts in fri, hours and days are the clock's (UTC). */
export interface Policy extends Omit<v.InferOutput<typeof PolicySchema>, 'calls' | 'accountClasses'> {
  /** `contract:selector` of every call that is allowed. */
  readonly allowed: ReadonlySet<string>;
  readonly accountClasses: ReadonlyMap<Felt, 'public-key' | 'none'>;
}

export const callKey = (to: Felt, selector: Felt): string => `${to}:${selector}`;

/** Reads a policy; throws `bad-policy` naming the first field that is wrong. */
export function parsePolicy(data: unknown): Policy {
  const result = v.safeParse(PolicySchema, data);
  if (!result.success) {
    const [issue] = result.issues;
    throw refuse('bad-policy', `the sponsoring policy is wrong at ${v.getDotPath(issue) ?? 'its root'}: ${issue.message}; correct that field`);
  }
  const { calls, accountClasses, ...rest } = result.output;
  if (rest.maxStrkPerAction > rest.strkPerDay) throw refuse('bad-policy', 'the sponsoring policy has maxStrkPerAction above strkPerDay; no action would ever fit into a day');
  return {
    ...rest,
    allowed: new Set(calls.flatMap(({ to, entrypoints }) => entrypoints.map((selector) => callKey(to, selector)))),
    accountClasses: new Map(accountClasses.map(({ classHash, constructor }) => [classHash, constructor])),
  };
}
