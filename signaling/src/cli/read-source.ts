import { readFile, stat } from 'node:fs/promises';
import { usage } from './job-options.ts';
import { VERIFY_USAGE } from './verify-options.ts';

/** Bytes that are read of a file or an answer: an epoch of a million payees has 150 MB. */
export const MAX_SOURCE_BYTES = 2 ** 29;
const ANSWER_TIMEOUT_MS = 120_000;

/** JSON of a file, or of an http(s) address. Throws `usage` naming what could not be read. */
export const readSource = (source: string, signal: AbortSignal): Promise<unknown> => read(source, signal, (text): unknown => JSON.parse(text));

/** The text itself, as the hash of it is asked for. Throws as `readSource`. */
export const readSourceText = (source: string, signal: AbortSignal): Promise<string> => read(source, signal, (text) => text);

async function read<T>(source: string, signal: AbortSignal, make: (text: string) => T): Promise<T> {
  try {
    return make(/^https?:/.test(source) ? await fetchText(source, signal) : await readText(source));
  } catch (cause) {
    signal.throwIfAborted();
    throw usage(`${source} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, VERIFY_USAGE);
  }
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file);
  if (size > MAX_SOURCE_BYTES) throw tooLarge(size);
  return readFile(file, 'utf8');
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) });
  if (!response.ok) throw new RangeError(`it answered ${response.status}`);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_SOURCE_BYTES) throw tooLarge(bytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const tooLarge = (bytes: number): RangeError => new RangeError(`it has ${bytes} bytes or more; at most ${MAX_SOURCE_BYTES} are read`);
