import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { ModelKey, StageIndex } from '../models.ts';
import type { RowInputs, RowOutputs } from './compute-rows.ts';
import type { NativeProvider } from './native-session.ts';
import type { RowEngine } from './row-engine.ts';

/** Which library a process computes with. */
export type NodeLibrary = { readonly kind: 'wasm'; readonly threads: number } | { readonly kind: 'native'; readonly provider: NativeProvider; readonly modulePath: string };

/** What a process is told; one task a process, so that the library's memory is given back after each stage. */
export interface NodeTask {
  readonly library: NodeLibrary;
  readonly model: ModelKey;
  readonly stage: StageIndex;
  readonly inputs: RowInputs;
}

export type NodeAnswer = { readonly kind: 'rows'; readonly outputs: RowOutputs } | { readonly kind: 'failed'; readonly message: string };

const ENTRY = join(import.meta.dirname, 'node-process.ts');

/** An engine in a Node process of its own for every stage. `env`: more variables for it. */
export function openNodeEngine(library: NodeLibrary, signal: AbortSignal, env: Readonly<Record<string, string>> = {}): RowEngine {
  return {
    compute: (model, stage, inputs) => runTask({ library, model: model.key, stage: stage.index, inputs }, signal, env),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function runTask(task: NodeTask, signal: AbortSignal, env: Readonly<Record<string, string>>): Promise<RowOutputs> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = fork(ENTRY, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], env: { ...process.env, ...env }, signal });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2_000)));
    child.once('message', (answer: NodeAnswer) => (answer.kind === 'rows' ? resolve(answer.outputs) : reject(new Error(`the engine's process failed: ${answer.message}`))));
    child.once('error', reject);
    // After an answer this comes too late to count.
    child.once('exit', (code, by) => reject(new Error(`the engine's process ended with ${by ?? code} before it had rows: ${words.trim()}`)));
    child.send(task);
  });
}
