import * as v from 'valibot';
import { domainHash } from '../canonical-json.ts';
import { digestFelt } from '../merkle/poseidon-tree.ts';
import { HexHash } from '../ids.ts';
import { hex } from './epoch.ts';
import type { JobId } from '../ids.ts';

/** The largest field element that any 251 bits make. */
const LOW_BITS = (1n << 251n) - 1n;
const HALF_BITS = 128n;

/** 32 bytes that only the client knows before it asks: without them a short prompt could be guessed from its hash. */
export const EscrowSalt = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'));
export type EscrowSalt = v.InferOutput<typeof EscrowSalt>;

/** Id of a job in the JobManager: a field element, 0x hex without leading zeros. */
export const EscrowId = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/, 'expected the job id of the contract: 0x and lower-case hex without leading zeros'));
export type EscrowId = v.InferOutput<typeof EscrowId>;

/** What an escrow pays for: everything of a request that decides its answer or its price (SPEC N1). How it is delivered is no part of it. */
export interface EscrowSpec {
  /** Id of the model, not a name that somebody may give to another one. */
  readonly model: HexHash;
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  /** Null: as many as fit, up to the coordinator's default. */
  readonly maxTokens: number | null;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly stop: readonly string[];
  /** Null: the coordinator draws one. */
  readonly seed: number | null;
  readonly assurance: 'stream' | 'checked';
}

/** `spec_hash` of a request: what the contract keeps with the budget (SPEC N1). */
export function specHashOf(spec: EscrowSpec, salt: EscrowSalt): string {
  const { model, messages, maxTokens, temperature, topP, topK, minP, repetitionPenalty, stop, seed, assurance } = spec;
  const said = messages.map(({ role, content }) => ({ role, content }));
  return feltOf(domainHash('ciro/escrow-spec/1', { model, messages: said, maxTokens, temperature, topP, topK, minP, repetitionPenalty, stop: [...stop], seed, assurance, salt }));
}

/** A model as the contract registers it: its id in two forms, and its file's hash (SPEC N2). */
export interface ChainModel {
  readonly id: string;
  /** The whole model id, 128 bits each. */
  readonly high: bigint;
  readonly low: bigint;
  readonly metaHash: string;
}

/** What the contract is to know of a model: `id` from its manifest, `file` the SHA-256 of its file. */
export function chainModelOf({ id, file }: { readonly id: string; readonly file: string }): ChainModel {
  const digest = BigInt(`0x${v.parse(HexHash, id)}`);
  return { id: feltOf(id), high: digest >> HALF_BITS, low: digest & ((1n << HALF_BITS) - 1n), metaHash: hex(digestFelt(v.parse(HexHash, file))) };
}

/** A job of an escrowed answer, as its result names it; `roots` one a stage, null where none came. */
export interface EscrowedJob {
  readonly job: JobId;
  readonly planHash: HexHash;
  readonly roots: readonly (string | null)[];
}

/** `result_root` of an escrow: over the roots of every job that its answer went through, in order; none when nothing was recorded (SPEC N6). */
export function resultRootOf(escrow: EscrowId, jobs: readonly EscrowedJob[]): string {
  return feltOf(domainHash('ciro/escrow-result/1', { escrow, jobs: jobs.map(({ job, planHash, roots }) => ({ job, planHash, roots: [...roots] })) }));
}

/** A digest as a field element: its top five bits are cleared (K1). */
const feltOf = (digest: string): string => hex(BigInt(`0x${digest}`) & LOW_BITS);
