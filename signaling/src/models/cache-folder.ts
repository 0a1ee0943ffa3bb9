import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

/** Folder for fetched models and import results, outside the checkout. `CIRO_CACHE` overrides the platform's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['CIRO_CACHE'];
  return chosen === undefined || chosen === '' ? envPaths('ciro', { suffix: '' }).cache : resolve(chosen);
}

/** Folder of everything that belongs to the file with this hash. */
export function modelFolder(cache: string, sha256: string): string {
  return join(cache, 'models', sha256);
}
