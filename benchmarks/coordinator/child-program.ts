import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
import { readMemory } from '../../signaling/src/volunteers/renderer-memory.ts';

/** Of what a process printed, for an error. */
const REPORTED_CHARACTERS = 4_000;

/** A program of this benchmark in a process of its own, that answers messages. It ends when its parent lets go of it. */
export interface ChildProgram extends AsyncDisposable {
  readonly pid: number;
  /** Ends it as a power cut does. */
  kill(): void;
  /** Rejects when it has ended. */
  tell(message: string): Promise<void>;
  /** The next thing that it says, of this shape. */
  heard<Schema extends v.GenericSchema>(schema: Schema): Promise<v.InferOutput<Schema>>;
  /** Resident bytes now and at most; NaN where the system does not tell. */
  memory(): Promise<{ readonly residentBytes: number; readonly peakBytes: number }>;
}

/**
 * Starts one with a JSON argument.
 * @throws Error with what it printed when it ends before it was let go
 */
export function startChild(program: string, argument: object, signal: AbortSignal, execArgv: readonly string[] = []): ChildProgram {
  const child = fork(program, [JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [...execArgv] });
  const exited = once(child, 'exit');
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-REPORTED_CHARACTERS)));
  const ended = exited.then(([code]) => Promise.reject(new Error(`${program} ended with ${String(code)}:\n${printed}`)));
  ended.catch(() => undefined);
  // Kept in order: two things may be said before the first is asked for.
  const said: unknown[] = [];
  let wake: () => void = () => undefined;
  child.on('message', (message) => {
    said.push(message);
    wake();
  });
  return {
    pid: child.pid ?? 0,
    kill: () => void child.kill('SIGKILL'),
    async tell(message) {
      if (!child.connected) return ended;
      child.send(message);
    },
    async heard(schema) {
      while (said.length === 0) {
        signal.throwIfAborted();
        const stopped = Promise.withResolvers<never>();
        const onAbort = (): void => stopped.reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), ended, stopped.promise]).finally(() => signal.removeEventListener('abort', onAbort));
      }
      return v.parse(schema, said.shift());
    },
    memory: async () => (await readMemory(child.pid ?? 0)) ?? { residentBytes: Number.NaN, peakBytes: Number.NaN },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** Measures what this process takes of the processors between two calls of `report`. */
export class ProcessorTime {
  #since = performance.now();
  #used = process.cpuUsage();

  begin(): void {
    this.#since = performance.now();
    this.#used = process.cpuUsage();
  }

  report(): { cpuSeconds: number; wallSeconds: number } {
    const { user, system } = process.cpuUsage(this.#used);
    return { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - this.#since) / 1000 };
  }
}

export const CORES = availableParallelism();
