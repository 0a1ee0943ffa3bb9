import * as v from 'valibot';
import { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import { ClaimError } from './claim-error.ts';
import { EpochProof } from './epoch-proof.ts';
import type { CoordinatorChain } from './claim-ports.ts';

/** An answer of the coordinator takes milliseconds; on a phone's line some seconds. */
const ANSWER_MS = 15_000;

const Epochs = v.object({ data: v.array(v.object({ epoch: v.number(), state: v.string(), root: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/), v.transform((text) => BigInt(text))) })) });

/** Settlement as the coordinator publishes it, over HTTP. `base` ends in a slash. */
export function coordinatorChain(base: string, fetcher: typeof fetch): CoordinatorChain {
  /** Undefined when there is none (404). */
  const ask = async <const Schema extends v.GenericSchema>(path: string, schema: Schema): Promise<v.InferOutput<Schema> | undefined> => {
    let answer: unknown;
    try {
      const response = await fetcher(new URL(path, base), { signal: AbortSignal.timeout(ANSWER_MS) });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new TypeError(`status ${response.status}`);
      answer = await response.json();
    } catch (cause) {
      throw new ClaimError('unreachable', `the coordinator did not answer to ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { fault: 'platform', cause });
    }
    const parsed = v.safeParse(schema, answer);
    if (!parsed.success) throw new ClaimError('bad-answer', `the coordinator's answer to ${path} cannot be used (${v.getDotPath(parsed.issues[0]) ?? 'all of it'}: ${parsed.issues[0].message})`.slice(0, 300), { fault: 'peer' });
    return parsed.output;
  };
  const epochs = async () => (await ask('v1/epochs', Epochs))?.data ?? [];
  return {
    door: () => ask('v1/chain', PublicDoor),
    newestClaimable: async () => (await epochs()).reduce<number | undefined>((newest, { epoch, state }) => (state === 'claimable' && epoch > (newest ?? 0) ? epoch : newest), undefined),
    publishedRoot: async (epoch) => (await epochs()).find((each) => each.epoch === epoch)?.root,
    proof: (epoch, account) => ask(`v1/epochs/${epoch}/proofs/${account}`, EpochProof),
  };
}
