import { toHex } from '@ciro/core/bytes.ts';
import { WEIGHTS_WINDOW_CHUNKS } from '@ciro/core/protocol/limits.ts';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { encodeWeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import { SourceBusy } from './chunk-source.ts';
import { ShardError } from './shard-error.ts';
import { keyOf } from './source-policy.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { WeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import type { ChunkSource, GivenChunk, WantedShard } from './chunk-source.ts';

/** What a neighbour's chunks are asked and checked with. */
export interface NeighbourPorts {
  readonly network: string;
  send(frame: Uint8Array<ArrayBuffer>): void;
  digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
}

interface Waiting {
  readonly resolve: (answer: Exclude<WeightsFrame, { kind: 'request' }>) => void;
  readonly reject: (error: unknown) => void;
}

/** Another tab that holds shards, over an open link (SPEC D6, D7). */
export class NeighbourSource implements ChunkSource {
  readonly id: NodeId;
  readonly kind = 'neighbour';
  readonly window = WEIGHTS_WINDOW_CHUNKS;
  readonly #publicKey: string;
  readonly #shards: Set<string>;
  readonly #ports: NeighbourPorts;
  readonly #waiting = new Map<string, Waiting>();

  constructor(peer: NodeId, giver: { readonly devicePublicKey: string; readonly shards: readonly string[] }, ports: NeighbourPorts) {
    this.id = peer;
    this.#publicKey = giver.devicePublicKey;
    this.#shards = new Set(giver.shards);
    this.#ports = ports;
  }

  has(shard: string): boolean {
    return this.#shards.has(shard);
  }

  async fetch(_modelId: string, shard: WantedShard, chunk: number, signal: AbortSignal): Promise<GivenChunk> {
    signal.throwIfAborted();
    const name = { shard: shard.sha256, chunk };
    const answer = await new Promise<Exclude<WeightsFrame, { kind: 'request' }>>((resolve, reject) => {
      this.#waiting.set(keyOf(name), { resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#ports.send(encodeWeightsFrame({ kind: 'request', ...name }));
    }).finally(() => this.#waiting.delete(keyOf(name)));
    if (answer.kind === 'chunk') return { bytes: answer.bytes, signature: (await this.#hasSigned(answer)) ? answer.signature : null };
    if (answer.code === 'busy' || answer.code === 'too-many') throw new SourceBusy(`worker ${this.id} says ${answer.code}`);
    // It has nothing more of this, or of anything.
    if (answer.code === 'enough') this.#shards.clear();
    else this.#shards.delete(shard.sha256);
    throw new ShardError('http-status', `worker ${this.id} gives no chunk ${chunk} of shard ${shard.name}: ${answer.code}`, { fault: 'peer' });
  }

  /** An answer of this neighbour; one that nobody waits for came too late, or was never asked for, and is dropped. */
  handle(answer: Exclude<WeightsFrame, { kind: 'request' }>): void {
    this.#waiting.get(keyOf(answer))?.resolve(answer);
  }

  /** The link is gone. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new ShardError('unreachable', `the link to worker ${this.id} is gone`, { fault: 'peer' }));
  }

  async #hasSigned({ shard, chunk, bytes, signature }: Extract<WeightsFrame, { kind: 'chunk' }>): Promise<boolean> {
    const { network, digest, verify } = this.#ports;
    return verify(this.#publicKey, chunkClaimBytes({ network, giver: this.id, shard, chunk, sha256: toHex(await digest(bytes)) }), signature);
  }
}
