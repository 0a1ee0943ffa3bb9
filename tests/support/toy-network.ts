import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@ciro/core/bytes.ts';
import { identityPublicKey, nodeIdOf } from '@ciro/core/identity/identity.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { requiredText } from '@ciro/core/model/gguf/metadata.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { openGguf } from '@ciro/signaling/models/gguf-file.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { openReferenceHead } from '@ciro/signaling/models/reference-run.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { randomSource } from './stage-ring.ts';
import { tinyLlamaGguf } from './tiny-llama.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import type { ImportedModel } from '@ciro/signaling/models/import-model.ts';
import type { ReferenceHead } from '@ciro/signaling/models/reference-run.ts';

/** Layers and width of the model; its context holds prompts of some words. */
const MODEL = { layers: 3, hidden: 32, context: 512 };
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A worker of the toy network: keys, and the layers that it holds. */
export interface ToyWorker {
  readonly node: NodeId;
  readonly identityKey: string;
  readonly identityPublicKey: string;
  readonly devicePublicKey: string;
  readonly sign: (bytes: Uint8Array) => Promise<string>;
}

/** One stage as a tab computes it: the prompt in chunks of 16, then position by position. */
export interface ToyStage {
  readonly shape: StageShape;
  readonly runner: StageRunner;
}

export type Random = (below: number) => number;

/** Real keys, a real model file of 60 kB and its real graph, without sockets, tabs and clocks: what evidence is made of at toy size. */
export class ToyNetwork implements AsyncDisposable {
  readonly network = 'ciro-test';
  readonly model: ImportedModel;
  readonly manifest: ModelManifest;
  readonly modelId: HexHash;
  readonly template: string;
  readonly table: CalibrationTable;
  readonly key: CoordinatorKey;
  readonly workers: readonly ToyWorker[];
  readonly stages: readonly ToyStage[];
  readonly embedding: EmbeddingTable;
  readonly head: ReferenceHead;
  /** Drawn from the seed, so that a failing run can be made again. Keys and signatures are not. */
  readonly random: Random;
  readonly #folder: string;

  /** `stages` workers with a layer range each, and as many more that may audit. */
  static async open(options: { readonly seed: number; readonly stages: number }): Promise<ToyNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'ciro-toy-'));
    const path = join(folder, 'toy.gguf');
    await writeFile(path, tinyLlamaGguf({ ...MODEL, seed: options.seed }));
    // Scale 1 everywhere: the toy's rows are about that large.
    const exponents = new Int8Array((MODEL.layers + 2) * MODEL.hidden);
    const table: CalibrationTable = { version: 1, hidden: MODEL.hidden, exponents, exponentsAtZero: exponents, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -10 };
    const model = await importModel(path, { cache: join(folder, 'cache'), calibrate: async () => encodeCalibration(table) });
    const { manifest } = model;
    const shard = (name: string): Promise<Uint8Array> => readShard(path, manifest.shards.find((each) => each.name === name) ?? { name, bytes: 0, ranges: [] });
    const cuts = Array.from({ length: options.stages }, (_, index) => ({ from: Math.floor((index * MODEL.layers) / options.stages), to: Math.floor(((index + 1) * MODEL.layers) / options.stages) }));
    const stages: ToyStage[] = [];
    for (const cut of cuts) {
      const shape = { ...stageShape(cut, MODEL.layers), embeds: false };
      const weights = new StageWeights(manifest, shape, new Map(await Promise.all(shardsOfStage(manifest, shape).map(async ({ name }) => [name, await shard(name)] as const))));
      const session = await createReferenceSession(buildLayersGraph(manifest.architecture, shape), (name) => weights.expand(name));
      stages.push({ shape: stageShape(cut, MODEL.layers), runner: new StageRunner(manifest.architecture, shape, { layers: session }) });
    }
    const workers = await Promise.all(Array.from({ length: 2 * options.stages }, (_, index) => makeWorker(options.seed * 100 + index)));
    return new ToyNetwork({
      folder,
      model,
      table,
      workers,
      stages,
      template: requiredText((await openGguf(path)).header, 'tokenizer.chat_template'),
      key: await generateCoordinatorKey(),
      embedding: new EmbeddingTable(manifest, await shard('embedding')),
      head: await openReferenceHead(manifest, shard),
      random: randomSource(options.seed),
    });
  }

  private constructor(parts: Pick<ToyNetwork, 'model' | 'table' | 'workers' | 'stages' | 'template' | 'key' | 'embedding' | 'head' | 'random'> & { readonly folder: string }) {
    this.#folder = parts.folder;
    this.model = parts.model;
    this.manifest = parts.model.manifest;
    this.modelId = modelIdOf(parts.model.manifest) as HexHash;
    this.table = parts.table;
    this.workers = parts.workers;
    this.stages = parts.stages;
    this.template = parts.template;
    this.key = parts.key;
    this.embedding = parts.embedding;
    this.head = parts.head;
    this.random = parts.random;
  }

  /** `bytes` random bytes from the seed, hex. */
  randomHex(bytes: number): string {
    return toHex(Uint8Array.from({ length: bytes }, () => this.random(256)));
  }

  /** Runs a stage over all its inputs at once, in chunks: 16 is the reference, anything else another honest shape. */
  async run(stage: number, inputs: Float32Array, chunk = 16): Promise<Float32Array> {
    const { runner } = this.stages[stage] as ToyStage;
    const { hidden } = MODEL;
    const count = inputs.length / hidden;
    const job = `audit ${this.randomHex(4)}`;
    const out = new Float32Array(inputs.length);
    runner.openJob(job, count);
    for (let at = 0; at < count; at += chunk) {
      const tokens = Math.min(chunk, count - at);
      out.set((await runner.run(job, at, inputs.slice(at * hidden, (at + tokens) * hidden), tokens)).rows, at * hidden);
    }
    runner.closeJob(job);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.head.release();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function makeWorker(seed: number): Promise<ToyWorker> {
  const pair = await webcrypto.subtle.generateKey(CURVE, false, ['sign', 'verify']);
  const identityKey = `0x${(0x1234_5678 + seed).toString(16)}`;
  const publicKey = identityPublicKey(identityKey);
  return {
    node: nodeIdOf(publicKey),
    identityKey,
    identityPublicKey: publicKey,
    devicePublicKey: toHex(new Uint8Array(await webcrypto.subtle.exportKey('raw', pair.publicKey))),
    sign: async (bytes) => toHex(new Uint8Array(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Uint8Array.from(bytes)))),
  };
}
