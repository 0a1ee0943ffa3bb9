import * as v from 'valibot';
import { domainBytes } from '../canonical-json.ts';
import { DevicePublicKey, DeviceSignature, HexHash, NodeId } from '../ids.ts';
import { MAX_WANTED_SHARDS, MAX_WEIGHTS_GIVERS } from './limits.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Shards = v.pipe(v.array(HexHash), v.maxLength(MAX_WANTED_SHARDS));

/** This worker loads these shards: it is told of others that hold some of them. None: it needs nobody any more (SPEC D5). */
export const WeightsWanted = v.strictObject({ type: v.literal('weights-wanted'), modelId: HexHash, shards: Shards });

/**
 * A neighbour gave a chunk that is not the shard's. `sha256`: of the bytes that came; `signature`: the giver's over that (SPEC D8), null
 * where it gave none that holds, which proves nothing.
 */
export const WeightsBad = v.strictObject({ type: v.literal('weights-bad'), giver: NodeId, modelId: HexHash, shard: HexHash, chunk: Count, sha256: HexHash, signature: v.nullable(DeviceSignature) });

/** Who gives what of the shards that were wanted. A link to each is asked for by `connect`. `publicUrl`: where the whole model file lies, null where nowhere. */
export const WeightsGivers = v.strictObject({
  type: v.literal('weights-givers'),
  modelId: HexHash,
  publicUrl: v.nullable(v.pipe(v.string(), v.maxLength(2_000), v.regex(/^https?:\/\/\S+$/))),
  givers: v.pipe(v.array(v.strictObject({ peer: NodeId, devicePublicKey: DevicePublicKey, shards: Shards })), v.maxLength(MAX_WEIGHTS_GIVERS)),
});

/** What a giver says of a chunk: that number `chunk` of this shard has this hash. */
export interface ChunkClaim {
  readonly network: string;
  readonly giver: NodeId;
  readonly shard: string;
  readonly chunk: number;
  readonly sha256: string;
}

/** Bytes that the giver's device key signs (SPEC D8). */
export const chunkClaimBytes = ({ network, giver, shard, chunk, sha256 }: ChunkClaim): Uint8Array => domainBytes('ciro/weights-chunk/1', { network, giver, shard, chunk, sha256 });
