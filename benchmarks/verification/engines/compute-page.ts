/** Runs in a page: pulls one task, computes it with the engine of the tabs, posts the results, and loads itself anew. */
import * as v from 'valibot';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { parseManifest } from '@ciro/core/model/parse-manifest.ts';
import { configureEngine, createSession } from '@ciro/web/engine/ort.ts';
import { openStageWith } from '../stages-open.ts';
import { computeRows } from './compute-rows.ts';
import { PageTask } from './page-task.ts';
import type { PageReport } from './page-task.ts';

configureEngine({ base: new URL('ort/', location.href).href });

async function bytesOf(path: string): Promise<ArrayBuffer> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.arrayBuffer();
}

async function post(path: string, body: BodyInit): Promise<void> {
  const response = await fetch(path, { method: 'POST', body });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
}

/** Ends the current turn of the page, so that it never looks hung. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}

async function work({ id, provider, stage, prompts, chunk, idPrompts, check }: PageTask): Promise<PageReport> {
  const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await bytesOf(`/tasks/${id}/manifest`))));
  const { layers } = manifest.architecture;
  const shape = stageShape({ from: Math.round((layers * stage) / 3), to: Math.round((layers * (stage + 1)) / 3) }, layers);
  const input = await bytesOf(`/tasks/${id}/input`);
  // Never closed: the page goes away with all it holds. (And JavaScriptCore has no `using` yet.)
  const open = await openStageWith((graph, weight) => createSession(provider, graph, weight), { manifest, shard: async (name) => new Uint8Array(await bytesOf(`/tasks/${id}/shards/${name}`)) }, shape);
  const outputs = await computeRows(
    open,
    shape.heads,
    decodeCalibration(fromBase64(manifest.calibration.base64)),
    {
      prompts,
      chunk,
      idPrompts,
      input: shape.embeds ? new Uint32Array(input) : new Float32Array(input),
      promptIds: new Uint32Array(await bytesOf(`/tasks/${id}/prompt-ids`)),
      check: check ? new Uint32Array(await bytesOf(`/tasks/${id}/check-ids`)) : null,
    },
    breathe,
  );
  await post(`/tasks/${id}/rows`, new Blob([new Uint8Array(outputs.rows.slice().buffer)]));
  if (outputs.ids !== null) await post(`/tasks/${id}/ids`, new Blob([new Uint8Array(outputs.ids.slice().buffer)]));
  return { others: [...outputs.others] };
}

/** The server answers when there is a task, or with 204 when it got tired of waiting. */
async function next(): Promise<void> {
  const response = await fetch('/next');
  if (response.status !== 200) return;
  const task = v.parse(PageTask, await response.json());
  const report = await work(task).catch((error: unknown): PageReport => ({ failed: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error) }));
  await post(`/tasks/${task.id}/report`, JSON.stringify(report));
}

// A fresh page for every task: the library's memory never shrinks.
next().then(() => location.reload(), () => setTimeout(() => location.reload(), 1_000));
