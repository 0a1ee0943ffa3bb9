/** Entry of an engine's process: `node node-process.ts`, told by `openNodeEngine` what to compute and answering over IPC. */
import * as ort from 'onnxruntime-web';
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { loadModel } from '../models.ts';
import { openStageWith } from '../stages-open.ts';
import { computeRows } from './compute-rows.ts';
import { nativeSessions } from './native-session.ts';
import type { CreateSession } from '../stages-open.ts';
import type { NodeAnswer, NodeLibrary, NodeTask } from './node-engine.ts';

function sessionsOf(library: NodeLibrary): CreateSession {
  if (library.kind === 'native') return nativeSessions(library.modulePath, library.provider);
  // Read when the library starts, at the first session.
  ort.env.wasm.numThreads = library.threads;
  return createReferenceSession;
}

async function answer({ library, model: key, stage: index, inputs }: NodeTask): Promise<NodeAnswer> {
  const model = await loadModel(key);
  const stage = model.stages[index];
  await using open = await openStageWith(sessionsOf(library), model, stage.shape);
  return { kind: 'rows', outputs: await computeRows(open, stage.last, model.table, inputs) };
}

// The parent that ended or gave up closes the channel; without it nobody waits for the rows.
process.once('disconnect', () => process.exit(1));
process.once('message', (task: NodeTask) => {
  answer(task)
    .catch((error: unknown): NodeAnswer => ({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
    .then((message) => process.send?.(message, () => process.exit(0)));
});
