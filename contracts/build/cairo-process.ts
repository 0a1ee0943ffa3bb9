import { fork } from 'node:child_process';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import type { FailedTest, RawDiagnostic } from './memory-text.ts';

export type CairoRequest =
  | { readonly kind: 'compile'; readonly source: string }
  /** `filter`: a part of the tests' paths, empty for all. */
  | { readonly kind: 'tests'; readonly source: string; readonly filter: string };

export type CairoReply =
  /** `contractClass`: JSON, its program still to be repaired. */
  | { readonly kind: 'class'; readonly contractClass: string }
  /** Names are given for a file that passes whole; of one that fails, those of the failed tests, if they could be read. */
  | { readonly kind: 'tests'; readonly passed: readonly string[]; readonly passedCount: number; readonly failedCount: number; readonly failed: readonly FailedTest[] }
  | { readonly kind: 'not-compiled'; readonly diagnostics: readonly RawDiagnostic[]; readonly printed: string };

/** A compiler takes up to 1.5 GB and a core. */
const PROCESSES_AT_ONCE = 2;
/** One contract takes 10 s on an idle core; on two cores that sixty processes wanted it took ten minutes. This only ends what hangs. */
const PROCESS_TIMEOUT_MS = 1_800_000;

const waiting: (() => void)[] = [];
let running = 0;

/** Runs the compiler in a process of its own, at most two at once. @throws BuildError `compiler-died` when it ends without an answer */
export async function runCairo(request: CairoRequest, signal?: AbortSignal): Promise<CairoReply> {
  if (running >= PROCESSES_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    signal?.throwIfAborted();
    return await ask(request, signal);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

function ask(request: CairoRequest, signal: AbortSignal | undefined): Promise<CairoReply> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'cairo-worker.ts'), [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'], ...(signal && { signal }), timeout: PROCESS_TIMEOUT_MS });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('message', (reply: CairoReply) => resolve(reply));
    child.once('error', reject);
    child.once('close', (code, ended) => {
      reject(
        new BuildError('compiler-died', `The Cairo compiler ended ${ended === null ? `with exit code ${code}` : `by ${ended}`} and gave no answer. It needs about 1.5 GB of memory.\n${said.trim()}`, {
          fault: 'platform',
          fields: { code, signal: ended },
        }),
      );
    });
    child.send(request);
  });
}
