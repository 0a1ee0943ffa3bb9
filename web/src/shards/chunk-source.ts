import type { Shard } from '@ciro/core/model/manifest.ts';

/** Kinds of sources, as the page names them. */
export type SourceKind = 'coordinator' | 'public' | 'neighbour';

/** A shard as sources need it. */
export type WantedShard = Pick<Shard, 'name' | 'sha256' | 'bytes' | 'ranges'>;

/** What came for one request. `proof`: the giver's signature over the hash of these bytes, if its source asks for one. */
export interface GivenChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string | null;
}

/** A place that chunks of shards can be had from. */
export interface ChunkSource {
  readonly id: string;
  readonly kind: SourceKind;
  /** Requests it takes at a time. */
  readonly window: number;
  has(shard: string): boolean;
  /** Rejects with SourceBusy when it will give later, with anything else when it does not. */
  fetch(modelId: string, shard: WantedShard, chunk: number, signal: AbortSignal): Promise<GivenChunk>;
}

/** The source is there and gives nothing at this moment. */
export class SourceBusy extends Error {
  override readonly name = 'SourceBusy';
}
