import { open, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileHandle } from 'node:fs/promises';

/** A hub answers within a second where there is one; networks without one must not hold up the next source. */
const HEADERS_TIMEOUT_MS = 5_000;
/** A connection that gives nothing for so long is dead; the download goes on from where it stopped. */
const STALL_TIMEOUT_MS = 20_000;
/** Breaks in a row without one new byte after which the source counts as lost. */
const FRUITLESS_ATTEMPTS_MAX = 3;
const RETRY_DELAY_MS = 500;

export interface DownloadOptions {
  /** Length of the whole file; a server that sends more is cut off. */
  readonly bytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** The server answered, but not with the file. Trying again won't help. */
export class DownloadRefused extends Error {
  override readonly name = 'DownloadRefused';
}

/**
 * Fetches a file of known length into `path`, going on from the bytes already there.
 * Breaks are retried as long as each attempt brings something; a server that ignores Range starts over.
 * The bytes aren't checked here: that is the hash's job. Throws what the last attempt failed with.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const contact = { answered: false };
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(path);
    try {
      await attempt(url, path, options, contact);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof DownloadRefused) throw error;
      fruitless = (await sizeOf(path)) > before ? 0 : fruitless + 1;
      // A server that never answered is not a break: this network has no way to it, and the next source waits.
      if (fruitless >= FRUITLESS_ATTEMPTS_MAX || !contact.answered) throw error;
      await sleep(RETRY_DELAY_MS, undefined, { signal: options.signal });
    }
  }
}

async function attempt(url: string, path: string, options: DownloadOptions, contact: { answered: boolean }): Promise<void> {
  let have = await sizeOf(path);
  if (have > options.bytes) {
    await truncate(path, 0);
    have = 0;
  }
  if (have === options.bytes) return;
  const watchdog = new AbortController();
  const signal = options.signal === undefined ? watchdog.signal : AbortSignal.any([options.signal, watchdog.signal]);
  const timer = watch(watchdog, HEADERS_TIMEOUT_MS, `no answer within ${HEADERS_TIMEOUT_MS / 1000} s`);
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
      signal,
    });
    contact.answered = true;
    const start = startOf(response, have);
    if (start === undefined) {
      await response.body?.cancel();
      await truncate(path, 0);
      throw new Error('the server cannot go on from where the download stopped; starting over');
    }
    timer.restart(STALL_TIMEOUT_MS, `no data for ${STALL_TIMEOUT_MS / 1000} s`);
    const file = await open(path, start === 0 ? 'w' : 'r+');
    try {
      await pour(response, file, start, options, () => timer.restart(STALL_TIMEOUT_MS, `no data for ${STALL_TIMEOUT_MS / 1000} s`));
    } finally {
      await file.close();
    }
  } finally {
    timer.stop();
  }
}

/** First byte of the file that the body holds: 0 for a whole file, undefined when the range asked for can't be had. */
function startOf(response: Response, have: number): number | undefined {
  if (response.status === 200) return 0;
  if (response.status === 206 && have > 0) {
    const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    return start !== undefined && Number(start) === have ? have : undefined;
  }
  if (response.status === 416) return undefined;
  throw new DownloadRefused(`the server answered ${response.status}`);
}

async function pour(response: Response, file: FileHandle, start: number, options: DownloadOptions, onChunk: () => void): Promise<void> {
  if (response.body === null) throw new DownloadRefused('the server answered without a body');
  let position = start;
  for await (const chunk of response.body) {
    onChunk();
    if (position + chunk.length > options.bytes) throw new DownloadRefused(`the server sends more than the ${options.bytes} bytes of the file`);
    await file.write(chunk, 0, chunk.length, position);
    position += chunk.length;
    options.onBytes?.(position);
  }
  if (position < options.bytes) throw new Error(`the connection ended after ${position} of ${options.bytes} bytes`);
}

/** Aborts the controller with a plain reason when not restarted in time. */
function watch(controller: AbortController, milliseconds: number, reason: string): { restart(milliseconds: number, reason: string): void; stop(): void } {
  const arm = (delay: number, why: string): NodeJS.Timeout => setTimeout(() => controller.abort(new Error(why)), delay);
  let timer = arm(milliseconds, reason);
  return {
    restart(delay, why) {
      clearTimeout(timer);
      timer = arm(delay, why);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
