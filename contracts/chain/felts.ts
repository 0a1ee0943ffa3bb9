/** Felts, and what Starknet makes of them. */
import { CallData, hash, num, shortString } from 'starknet';
import type { Abi, RawArgs } from 'starknet';
import * as v from 'valibot';
import { ChainError } from './chain-error.ts';
import type { ContractClass } from '../build/artefacts.ts';

/** A felt in minimal lower-case hex: one value has one form, so felts are compared as strings. */
export type Felt = `0x${string}`;

const LOW_HALF = (1n << 128n) - 1n;

export const felt = (value: bigint | number | string): Felt => `0x${BigInt(value).toString(16)}`;
/** Felt of a short text of at most 31 ASCII characters. */
export const textFelt = (text: string): Felt => felt(shortString.encodeShortString(text));
/** The text that a felt spells, or its hex when it spells none. */
export function feltText(value: Felt): string {
  const text = shortString.decodeShortString(value);
  return /^[\x20-\x7e]+$/.test(text) ? text : value;
}

/** Selector of an entry point, and the value of Cairo's `selector!` for a role's name. */
export const selectorOf = (name: string): Felt => felt(hash.getSelectorFromName(name));
/** A u256 as its two halves, low first. */
export const u256 = (value: bigint): readonly [Felt, Felt] => [felt(value & LOW_HALF), felt(value >> 128n)];
/** Cairo's `hades_permutation(a, b, 2)`, first element: a node of a tree. */
export const poseidonPair = (left: Felt, right: Felt): Felt => felt(hash.computePoseidonHash(left, right));

/** Address at which the universal deployer puts a class with this salt and constructor data, whoever asks. */
export const addressOf = (salt: Felt, classHash: Felt, constructorData: readonly Felt[]): Felt => felt(hash.calculateContractAddressFromHash(salt, classHash, [...constructorData], 0));

/** Hash that names a class, computed here. Takes about a second for the largest classes. */
export const classHashOf = (contractClass: ContractClass): Felt => felt(hash.computeSierraContractClassHash({ ...contractClass, abi: contractClass.abi as Abi } as Parameters<typeof hash.computeSierraContractClassHash>[0]));

/**
 * Constructor data of a class by its parameters' names, in whatever order the class wants them; names that it does not have are left out.
 * @throws ChainError `bad-constructor` naming parameters that nothing is given for
 */
export function constructorData(name: string, { abi }: ContractClass, given: Readonly<Record<string, ConstructorValue>>): Felt[] {
  const constructor = v.safeParse(Constructor, abi.find(({ type }) => type === 'constructor'));
  const wanted = constructor.success ? constructor.output.inputs.map((input) => input.name) : [];
  const missing = wanted.filter((parameter) => given[parameter] === undefined);
  if (missing.length > 0) {
    throw new ChainError('bad-constructor', `The constructor of ${name} asks for ${missing.join(', ')}, which contracts/chain/plan.ts gives nothing for. Change that file with the contract.`, { fault: 'bug', fields: { name, missing } });
  }
  const values = Object.fromEntries(wanted.map((parameter) => [parameter, given[parameter]]));
  return new CallData(abi as Abi).compile('constructor', values as RawArgs).map((value) => felt(value));
}

const Constructor = v.object({ inputs: v.array(v.object({ name: v.string() })) });

/** What a constructor's parameter can be given as. */
export type ConstructorValue = Felt | bigint | number | boolean | readonly Felt[] | readonly Readonly<Record<string, Felt>>[];

export const sameFelt = (a: bigint | string, b: bigint | string): boolean => BigInt(a) === BigInt(b);
/** `0x1234…cdef`, for tables. */
export const shortFelt = (value: Felt): string => (value.length <= 14 ? value : `${value.slice(0, 8)}…${value.slice(-4)}`);
export const isFelt = (value: unknown): value is Felt => typeof value === 'string' && num.isHex(value) && value === felt(value);
