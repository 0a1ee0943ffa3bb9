import * as v from 'valibot';
import { PaymasterError } from './paymaster-error.ts';
import type { OutsideExecution } from './outside-execution-hash.ts';

/** The longest that a signature may be used. Seconds: a paymaster that keeps it back does so for an hour at most. */
export const MAX_BOUNDS_S = 3600;
/** Clocks of pages and chains differ. Seconds. */
export const CLOCK_SLACK_S = 120;

export interface FeltCall {
  readonly to: bigint;
  readonly selector: bigint;
  readonly calldata: readonly bigint[];
}

export interface ExpectedExecution {
  readonly forwarder: string;
  readonly chainId: string;
  readonly calls: readonly FeltCall[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Seconds: the end that was asked for, where one was. */
  readonly latest?: number;
}

const Felt = v.pipe(v.union([v.string(), v.number(), v.bigint()]), v.rawTransform(({ dataset, addIssue, NEVER }) => {
  try {
    return BigInt(dataset.value);
  } catch {
    addIssue({ message: 'expected a felt' });
    return NEVER;
  }
}));
const Call = v.strictObject({ To: Felt, Selector: Felt, Calldata: v.array(Felt) });
const ExecutionData = v.strictObject({
  types: v.strictObject({
    StarknetDomain: v.unknown(),
    OutsideExecution: v.unknown(),
    Call: v.unknown(),
  }),
  primaryType: v.literal('OutsideExecution'),
  domain: v.strictObject({ name: v.literal('Account.execute_from_outside'), version: v.union([v.literal(2), v.literal('2'), v.literal('0x2')]), chainId: v.union([v.string(), v.number()]), revision: v.union([v.literal(1), v.literal('1'), v.literal('0x1')]) }),
  message: v.strictObject({ Caller: Felt, Nonce: Felt, 'Execute After': Felt, 'Execute Before': Felt, Calls: v.array(Call) }),
});

/** SNIP-9 version 2: the types decide what is hashed, so they have to be these. */
const TYPES = JSON.stringify({
  StarknetDomain: ['name:shortstring', 'version:shortstring', 'chainId:shortstring', 'revision:shortstring'],
  OutsideExecution: ['Caller:ContractAddress', 'Nonce:felt', 'Execute After:u128', 'Execute Before:u128', 'Calls:Call*'],
  Call: ['To:ContractAddress', 'Selector:selector', 'Calldata:felt*'],
});
const Fields = v.array(v.strictObject({ name: v.string(), type: v.string() }));

/** What typed data says, with nothing else in it that would be hashed. Throws `PaymasterError`. */
export function parseOutsideExecution(typedData: unknown): OutsideExecution {
  const parsed = v.safeParse(ExecutionData, typedData);
  if (!parsed.success) throw lied('wrong-shape', `its typed data is no SNIP-9 version 2 execution (${v.getDotPath(parsed.issues[0]) ?? 'root'}: ${parsed.issues[0].message.slice(0, 120)})`);
  const { types, domain, message } = parsed.output;
  if (typesOf(types) !== TYPES) throw lied('wrong-shape', 'its typed data names other types');
  const chain = chainNumber(domain.chainId);
  if (chain === undefined) throw lied('wrong-chain', `its typed data is for chain ${String(domain.chainId).slice(0, 70)}`);
  const calls = message.Calls.map(({ To, Selector, Calldata }) => ({ to: To, selector: Selector, calldata: Calldata }));
  return { chainId: chain, caller: message.Caller, nonce: message.Nonce, after: message['Execute After'], before: message['Execute Before'], calls };
}

/** Throws `PaymasterError` unless the typed data lets `forwarder` carry out exactly `calls`, on this chain, within an hour (SPEC Y4). */
export function checkOutsideExecution(typedData: unknown, { forwarder, chainId, calls, now, latest }: ExpectedExecution): void {
  const given = parseOutsideExecution(typedData);
  if (given.chainId !== BigInt(chainId)) throw lied('wrong-chain', `its typed data is for chain 0x${given.chainId.toString(16)}, not ${chainId}`);
  if (given.caller !== BigInt(forwarder)) throw lied('wrong-caller', `its typed data lets 0x${given.caller.toString(16)} execute, not ${forwarder}`);
  if (!sameCalls(given.calls, calls)) throw lied('wrong-calls', `its typed data holds ${given.calls.length} calls that are not the ${calls.length} that were asked for`);
  const present = Math.floor(now() / 1000);
  const [after, before] = [Number(given.after), Number(given.before)];
  if (before > present + MAX_BOUNDS_S + CLOCK_SLACK_S || (latest !== undefined && before > latest)) throw lied('wrong-bounds', `its typed data could be executed until ${before}, more than an hour from ${present}`);
  if (before <= present - CLOCK_SLACK_S || after >= before || after > present + CLOCK_SLACK_S) throw lied('wrong-bounds', `its typed data can be executed from ${after} to ${before} only, and it is ${present}`);
}

function typesOf(types: Readonly<Record<string, unknown>>): string | undefined {
  const fields = ['StarknetDomain', 'OutsideExecution', 'Call'].map((name) => [name, v.safeParse(Fields, types[name])] as const);
  if (!fields.every(([, parsed]) => parsed.success)) return undefined;
  return JSON.stringify(Object.fromEntries(fields.map(([name, parsed]) => [name, (parsed.output as v.InferOutput<typeof Fields>).map((field) => `${field.name}:${field.type}`)])));
}

/** Chain ids come as hex, as a number or as the short string itself. */
function chainNumber(chainId: string | number): bigint | undefined {
  const text = String(chainId);
  if (/^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(text)) return BigInt(text);
  if (!/^[\x20-\x7e]{1,31}$/.test(text)) return undefined;
  return [...text].reduce((sum, character) => sum * 256n + BigInt(character.charCodeAt(0)), 0n);
}

function sameCalls(given: readonly FeltCall[], asked: readonly FeltCall[]): boolean {
  const flat = ({ to, selector, calldata }: FeltCall): string => [to, selector, ...calldata].join(',');
  return given.length === asked.length && given.every((call, index) => asked[index] !== undefined && flat(call) === flat(asked[index]));
}

const lied = (code: PaymasterError['code'], what: string): PaymasterError => new PaymasterError(code, `the paymaster cannot be trusted: ${what}. Nothing was signed; use another paymaster`, { fault: 'peer' });
