import { CiroError } from '@ciro/core/errors.ts';
import { UsageError } from './job-options.ts';

/**
 * Runs a command with a signal that Ctrl-C and SIGTERM abort, and sets the exit code: 0, 2 for wrong usage, 130 when stopped,
 * 1 for anything else. Errors of the rooms print their sentence; a bug prints its stack.
 */
export async function runCommand(command: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    await command(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) process.exitCode = 130;
    else {
      const text = error instanceof CiroError ? error.message : error instanceof Error ? error.stack : String(error);
      process.stderr.write(`${text}\n`);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    }
  }
}
