import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CHECKOUT } from '../../signaling/src/setup/checkout.ts';

const PROGRAM = join(CHECKOUT, 'signaling', 'bin', 'ciro.mjs');

/** `node signaling/bin/ciro.mjs …` as a process of its own, as a person starts it. */
export interface Program extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the first match in what was printed so far or later; rejects with all that was printed when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once it ended. */
  readonly exit: Promise<number>;
}

/** Starts it. Without the variables of a test run, which would say "test" to what it starts; disposing it stops it. */
export function startProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|TEST$|VITE_)/.test(name));
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: CHECKOUT, env: { ...Object.fromEntries(own), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((each) => each());
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece;
      wake();
    });
  }
  let ended = false;
  const exit = new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      ended = true;
      resolve(code ?? -1);
      wake();
    });
  });
  return {
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
    exit,
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(text.stdout) ?? pattern.exec(text.stderr);
        if (match !== null) return match;
        if (ended) throw new Error(`it ended without printing ${String(pattern)}:\n${text.stdout}\n${text.stderr}`);
        await new Promise<void>((resolve) => {
          const listener = (): void => {
            waiting.delete(listener);
            resolve();
          };
          waiting.add(listener);
        });
      }
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill('SIGTERM');
      await exit;
    },
  };
}
