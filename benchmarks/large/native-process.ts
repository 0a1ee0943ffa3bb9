/** Entry of a process that answers greedily with the native library, all layers of a model in it: `node native-process.ts`, told over IPC. */
import { deltaOf } from '@ciro/core/audit/sampled-id.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { nativeSessions } from '../verification/engines/native-session.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { NativeAnswer, NativeTask } from './native-greedy.ts';

/** Layers of one session: its weights lie on the disk while it is made. */
const LAYERS_A_SESSION = 5;
const CHUNK_TOKENS = 16;
const JOB = 'the only one';

async function answer({ modulePath, path, prompts, tokens }: NativeTask): Promise<NativeAnswer> {
  const { manifest } = await importModel(path);
  const delta = deltaOf(decodeCalibration(fromBase64(manifest.calibration.base64)));
  const stages = await load(modulePath, path, manifest);
  const answers = [];
  for (const prompt of prompts) {
    for (const stage of stages) stage.openJob(JOB, prompt.length + tokens);
    answers.push(await greedy(stages, Uint32Array.from(prompt), tokens, delta));
    for (const stage of stages) stage.closeJob(JOB);
  }
  return { kind: 'answers', answers };
}

async function load(modulePath: string, path: string, manifest: ModelManifest): Promise<readonly StageRunner[]> {
  const { architecture } = manifest;
  const create = nativeSessions(modulePath, 'cpu');
  const stages: StageRunner[] = [];
  for (let from = 0; from < architecture.layers; from += LAYERS_A_SESSION) {
    const to = Math.min(architecture.layers, from + LAYERS_A_SESSION);
    const shape = { from, to, embeds: from === 0, heads: to === architecture.layers };
    const shards = new Map<string, Uint8Array>();
    for (const shard of shardsOfStage(manifest, shape)) shards.set(shard.name, await readShard(path, shard));
    const weights = new StageWeights(manifest, shape, shards);
    const embedding = shape.embeds ? shards.get('embedding') : undefined;
    stages.push(
      new StageRunner(architecture, shape, {
        layers: await create(buildLayersGraph(architecture, shape), (name) => weights.expand(name)),
        ...(shape.heads && { head: await create(buildHeadGraph(architecture), (name) => weights.expand(name)) }),
        ...(embedding && { embedding: new EmbeddingTable(manifest, embedding) }),
      }),
    );
  }
  return stages;
}

/** Ids of the largest logits, the first of equal ones, and how many of them lie within delta of the second. */
async function greedy(stages: readonly StageRunner[], prompt: Uint32Array, tokens: number, delta: number): Promise<{ ids: number[]; close: number }> {
  const ids: number[] = [];
  let close = 0;
  for (let position = 0; ids.length < tokens; ) {
    const input = position < prompt.length ? prompt.slice(position, position + CHUNK_TOKENS) : Uint32Array.of(ids.at(-1) ?? 0);
    let rows: Uint32Array | Float32Array = input;
    let logits: Float32Array | undefined;
    for (const stage of stages) ({ rows, logits } = await stage.run(JOB, position, rows, input.length, { logits: stage === stages.at(-1) }));
    position += input.length;
    if (position < prompt.length) continue;
    const { best, margin } = largest(logits ?? new Float32Array());
    ids.push(best);
    if (margin <= delta) close++;
  }
  return { ids, close };
}

function largest(logits: Float32Array): { best: number; margin: number } {
  let [best, first, second] = [0, -Infinity, -Infinity];
  for (const [id, logit] of logits.entries()) {
    if (logit > first) [best, first, second] = [id, logit, first];
    else if (logit > second) second = logit;
  }
  return { best, margin: first - second };
}

// The parent that ended or gave up closes the channel.
process.once('disconnect', () => process.exit(1));
process.once('message', (task: NativeTask) => {
  answer(task)
    .catch((error: unknown): NativeAnswer => ({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
    .then((message) => process.send?.(message, () => process.exit(0)));
});
