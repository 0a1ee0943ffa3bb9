import { execFile } from 'node:child_process';

/** A Chromium-family browser that starts on this machine. */
export interface Browser {
  /** Absolute path of the executable. */
  readonly path: string;
  /** What it says about itself, for example `Chromium 153.0.8010.0`. */
  readonly version: string;
  readonly source: 'CIRO_BROWSER' | 'installed' | 'npm';
  /** Variables it needs beside the process's own, for example where its libraries are. */
  readonly env: Readonly<Record<string, string>>;
}

/** First release with all that the page uses: document isolation, data channels in workers, WebAssembly SIMD. */
const OLDEST_CHROMIUM_MAJOR = 137;
/** A cold start from a slow disk takes a few seconds; a launcher that waits for a display never ends. */
const VERSION_TIMEOUT_MS = 15_000;

/**
 * Starts the executable just to ask its version, which shows that its libraries are there. Undefined when it does not run or
 * is too old to serve. On Windows a browser opens a window instead of answering, so it is taken as it is.
 */
export async function askVersion(path: string, env: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
  if (process.platform === 'win32') return 'installed';
  const printed = await new Promise<string | undefined>((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: VERSION_TIMEOUT_MS, killSignal: 'SIGKILL' as const };
    execFile(path, ['--version'], options, (error, stdout) => resolve(error === null ? stdout.trim() : undefined));
  });
  const [version, major] = /^\D*(\d+)\.\d+[\d.]*/.exec(printed ?? '') ?? [];
  return Number(major) >= OLDEST_CHROMIUM_MAJOR ? version : undefined;
}
