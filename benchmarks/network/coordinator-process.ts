import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { readMemory } from '../../signaling/src/volunteers/renderer-memory.ts';
import { READY, Serving } from './coordinator-options.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';

const PROGRAM = join(import.meta.dirname, 'serve-coordinator.ts');
/** A cold network of five tabs on two cores; what takes longer hangs. */
const READY_TIMEOUT_MS = 240_000;
/** Of what the process printed, for an error. */
const REPORTED_CHARACTERS = 4_000;

/** A running coordinator process with an empty database. */
export interface CoordinatorProcess extends AsyncDisposable {
  readonly url: string;
  readonly trialKey: string;
  /** From the start of the process until it serves: import of the model, database, port. */
  readonly servingMs: number;
  /** Resolves once every stage is placed, loaded and linked. */
  ready(): Promise<void>;
  /** Resident bytes now and at most, by the operating system; NaN where it does not tell. */
  memory(): Promise<{ readonly residentBytes: number; readonly peakBytes: number }>;
}

/**
 * Starts a coordinator on a free port in a process of its own.
 * @throws Error with what it printed when it ends before it serves
 */
export async function startCoordinatorProcess(wish: Omit<CoordinatorOptions, 'dataDir'>, signal: AbortSignal): Promise<CoordinatorProcess> {
  const started = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'ciro-bench-'));
  const options: CoordinatorOptions = { ...wish, dataDir };
  const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  // Not `close`: Node 24 does not emit it once the parent has disconnected.
  const exited = once(child, 'exit');
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-REPORTED_CHARACTERS)));
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const ended = exited.then(([code]) => Promise.reject(new Error(`the coordinator ended with ${String(code)}:\n${printed}`)));
    // Whoever disposes it ends it: that is no failure.
    ended.catch(() => undefined);
    const heard = async (within: AbortSignal): Promise<unknown> => ((await Promise.race([once(child, 'message', { signal: within }), ended])) as readonly unknown[])[0];
    const { url, trialKey } = v.parse(Serving, await heard(signal));
    const servingMs = performance.now() - started;
    return {
      url,
      trialKey,
      servingMs,
      async ready() {
        child.send(READY);
        v.parse(v.literal(READY), await heard(AbortSignal.any([signal, AbortSignal.timeout(READY_TIMEOUT_MS)])));
      },
      memory: async () => (await readMemory(child.pid ?? 0)) ?? { residentBytes: Number.NaN, peakBytes: Number.NaN },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
