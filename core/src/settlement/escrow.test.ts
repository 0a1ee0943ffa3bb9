import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { digestFelt } from '../merkle/poseidon-tree.ts';
import { chainModelOf, resultRootOf, specHashOf } from './escrow.ts';
import type { EscrowedJob, EscrowSpec } from './escrow.ts';

interface Vectors {
  readonly specs: readonly { readonly spec: EscrowSpec; readonly salt: string; readonly spec_hash: string }[];
  readonly results: readonly { readonly escrow: string; readonly jobs: readonly EscrowedJob[]; readonly result_root: string }[];
  readonly models: readonly { readonly id: string; readonly felt: string; readonly high: string; readonly low: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/escrow.json', import.meta.url), 'utf8')) as Vectors;

it('N1: spec hashes are those that another program makes', () => {
  for (const { spec, salt, spec_hash: expected } of vectors.specs) expect(specHashOf(spec, salt)).toBe(expected);
});

it('N1: everything that decides the answer or its price is in the hash, and the salt; what else an object carries is not', () => {
  const [{ spec, salt } = { spec: {} as EscrowSpec, salt: '' }] = vectors.specs;
  const changes: Partial<EscrowSpec>[] = [{ model: 'cd'.repeat(32) as EscrowSpec['model'] }, { messages: [{ role: 'user', content: 'What?' }] }, { messages: [{ role: 'system', content: 'What is the capital of France?' }] }, { maxTokens: 41 }, { maxTokens: null }, { temperature: 1 }, { topP: 0.5 }, { topK: 1 }, { minP: 0.1 }, { repetitionPenalty: 1.2 }, { stop: ['.'] }, { seed: 2 }, { seed: null }, { assurance: 'checked' }];
  const hashes = [specHashOf(spec, salt), specHashOf(spec, '11'.repeat(32)), ...changes.map((change) => specHashOf({ ...spec, ...change }, salt))];
  expect(new Set(hashes).size).toBe(changes.length + 2);
  expect(specHashOf({ ...spec, stream: true } as EscrowSpec, salt)).toBe(hashes[0]);
});

it('N2: the contract names a model by its id as a field element, with all of the id in two halves beside it', () => {
  const file = '12'.repeat(32);
  for (const { id, felt, high, low } of vectors.models) expect(chainModelOf({ id, file })).toEqual({ id: felt, high: BigInt(high), low: BigInt(low), metaHash: `0x${digestFelt(file).toString(16)}` });
  expect(() => chainModelOf({ id: 'no hash', file })).toThrow(/64 lower-case hex/);
});

it('N6: a result is over the roots of every job, in order, and over nothing where nothing was recorded', () => {
  for (const { escrow, jobs, result_root: expected } of vectors.results) expect(resultRootOf(escrow, jobs)).toBe(expected);
  const [, , { escrow, jobs } = { escrow: '', jobs: [] }] = vectors.results;
  expect(resultRootOf(escrow, [...jobs].reverse())).not.toBe(resultRootOf(escrow, jobs));
});
