import { fork } from 'node:child_process';
import { join } from 'node:path';

/** What the native process is told. */
export interface NativeTask {
  /** Where onnxruntime-node lies. */
  readonly modulePath: string;
  /** The model's file; it was imported before. */
  readonly path: string;
  /** Ids of each prompt. */
  readonly prompts: readonly (readonly number[])[];
  /** Ids to answer each with, whatever they are. */
  readonly tokens: number;
}

/** A native answer; `close`: ids whose logit is within delta of another one, so that honest engines may differ there (SPEC A7). */
export interface NativeIds {
  readonly ids: readonly number[];
  readonly close: number;
}

export type NativeAnswer = { readonly kind: 'answers'; readonly answers: readonly NativeIds[] } | { readonly kind: 'failed'; readonly message: string };

/** Greedy answers of the native library on the processor, in a process of its own: it holds the whole model in float32. */
export function nativeGreedy(task: NativeTask, signal: AbortSignal): Promise<readonly NativeIds[]> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'native-process.ts'), [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], signal });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2_000)));
    child.once('message', (answer: NativeAnswer) => (answer.kind === 'answers' ? resolve(answer.answers) : reject(new Error(`the native process failed: ${answer.message}`))));
    child.once('error', reject);
    // After an answer this comes too late to count.
    child.once('exit', (code, by) => reject(new Error(`the native process ended with ${by ?? code} before it had answered: ${words.trim()}`)));
    child.send(task);
  });
}
