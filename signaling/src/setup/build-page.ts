import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKOUT } from './checkout.ts';

/** The built page, served by the coordinator. */
export const PAGE_FOLDER = join(CHECKOUT, 'web', 'dist');

/** Written last into the built page; says what it was built from. */
const STAMP = 'build.json';
const PAGE_SOURCES = ['web/**/*', 'core/src/**/*', 'package-lock.json'];
const NOT_PAGE_SOURCES = ['web/dist/**', 'web/node_modules/**', '**/*.test.ts', '**/*.test.tsx', 'web/tsconfig*.json'];

/** The page did not build; `output` is what the bundler said. */
export class PageBuildError extends Error {
  override readonly name = 'PageBuildError';
  readonly code = 'page-build-failed';
  readonly output: string;

  constructor(output: string) {
    super(`The page did not build. The bundler's reason:\n${output}\nRun \`npm run check\` for the types; a clean checkout builds with \`npm run build\`.`);
    this.output = output;
  }
}

/** SHA-256 over the names and contents of everything that the page is made of; `git checkout` changes times, not this. */
async function hashSources(): Promise<string> {
  const names = globSync(PAGE_SOURCES, { cwd: CHECKOUT, exclude: NOT_PAGE_SOURCES, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const name of names) {
    const bytes = await readFile(name);
    hash.update(`${name.slice(CHECKOUT.length)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

async function builtFrom(): Promise<string | undefined> {
  const stamp: unknown = JSON.parse(await readFile(join(PAGE_FOLDER, STAMP), 'utf8').catch(() => 'null'));
  return typeof stamp === 'object' && stamp !== null && 'sources' in stamp && typeof stamp.sources === 'string' ? stamp.sources : undefined;
}

/** Runs the bundler in a process of its own: its memory goes back, and a test run's NODE_ENV stays out of the page. */
function bundle(outDir: string, signal: AbortSignal | undefined): Promise<void> {
  const vite = join(CHECKOUT, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--configLoader', 'native', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn', '--clearScreen', 'false'];
  const env = { ...process.env, NODE_ENV: 'production' };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: join(CHECKOUT, 'web'), env, stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new PageBuildError(output.trim()))));
  });
}

/**
 * Builds the page into {@link PAGE_FOLDER} when its sources changed since the last build. The old page stays in place until
 * the new one is complete, so a running coordinator never serves half of it, and two builds at once do not meet.
 * @returns milliseconds it took, 0 when the page was up to date
 */
export async function buildPage(options: { force?: boolean; signal?: AbortSignal } = {}): Promise<number> {
  const started = performance.now();
  const sources = await hashSources();
  if (options.force !== true && (await builtFrom()) === sources) return 0;

  const draft = join(CHECKOUT, '.ciro', `page-${process.pid}`);
  const old = `${draft}-old`;
  try {
    await mkdir(draft, { recursive: true });
    await bundle(draft, options.signal);
    await writeFile(join(draft, STAMP), `${JSON.stringify({ sources })}\n`);
    await rename(PAGE_FOLDER, old).catch(ignoreMissing);
    await rename(draft, PAGE_FOLDER);
  } finally {
    await Promise.all([draft, old].map((folder) => rm(folder, { recursive: true, force: true })));
  }
  return performance.now() - started;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

if (import.meta.main) {
  try {
    const ms = await buildPage({ force: true });
    console.log(`built web/dist in ${(ms / 1000).toFixed(1)} s`);
  } catch (error) {
    if (!(error instanceof PageBuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
