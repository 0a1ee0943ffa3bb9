import * as v from 'valibot';
import { climb, MAX_DEPTH } from '@ciro/core/settlement/epoch-tree.ts';
import { MAX_U128 } from '@ciro/core/settlement/epoch.ts';
import { FIELD_PRIME } from '@ciro/core/settlement/hades.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { ClaimError } from './claim-error.ts';
import type { LeafDomain } from '@ciro/core/settlement/leaf.ts';

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/), v.transform((text) => BigInt(text)), v.check((felt) => felt < FIELD_PRIME));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** `GET /v1/epochs/N/proofs/ACCOUNT`. */
export const EpochProof = v.object({
  epoch: v.pipe(Count, v.minValue(1)),
  account: v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/)),
  index: v.pipe(Count, v.maxValue(2 ** MAX_DEPTH - 1)),
  cumulative: v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,38}$/), v.transform((text) => BigInt(text)), v.check((amount) => amount <= MAX_U128)),
  proof: v.pipe(v.array(Felt), v.maxLength(MAX_DEPTH)),
});
export type EpochProof = v.InferOutput<typeof EpochProof>;

/** What a proof has to be of. */
export interface ProvenLeaf extends LeafDomain {
  readonly epoch: number;
  readonly account: string;
  /** Of the contract's own record of the epoch. */
  readonly root: bigint;
  readonly depth: number;
}

/** Throws `wrong-proof` unless the contract would take this proof for this account (SPEC X1, X2). */
export function checkProof({ epoch, account, index, cumulative, proof }: EpochProof, expected: ProvenLeaf): void {
  if (epoch !== expected.epoch || account !== expected.account) throw wrong(`it is of account ${account} in epoch ${epoch}, not of ${expected.account} in epoch ${expected.epoch}`);
  if (proof.length !== expected.depth || index >= 2 ** expected.depth) throw wrong(`it has ${proof.length} levels, and the contract's epoch ${epoch} has ${expected.depth}`);
  const root = climb(leafHasher(expected)(BigInt(account), cumulative), index, proof);
  if (root !== expected.root) throw wrong(`it leads to root 0x${root.toString(16)}, and the contract has 0x${expected.root.toString(16)} for epoch ${epoch}`);
}

const wrong = (what: string): ClaimError => new ClaimError('wrong-proof', `the coordinator's proof does not hold: ${what}. Nothing was signed`, { fault: 'peer' });
