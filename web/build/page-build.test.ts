import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import config from '../vite.config.ts';

/** A page as small as can be with the shape of ours: an entry, a module worker, and in it two builds of onnxruntime-web on demand. */
const PAGE: Readonly<Record<string, string>> = {
  'index.html': '<!doctype html><title>t</title><script type="module" src="/src/main.ts"></script>',
  'src/main.ts': `export const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });\nconsole.log('${'page '.repeat(600)}');`,
  'src/worker.ts': `const ort = await (location.hash === '' ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu'));
ort.env.wasm.wasmPaths = '/ort/' + ort.env.versions.web + '/';
self.postMessage(ort.env.versions);`,
};

let folder: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-page-'));
  for (const [name, text] of Object.entries(PAGE)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await symlink(join(import.meta.dirname, '..', '..', 'node_modules'), join(folder, 'node_modules'));
  await build({ ...config, root: folder, configFile: false, logLevel: 'error' });
  files = (await readdir(join(folder, 'dist'), { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort();
});

afterAll(() => rm(folder, { recursive: true }));

it('emits each runtime that the worker names once, under its version and its own name', async () => {
  const { version } = JSON.parse(await readFile(join(folder, 'node_modules', 'onnxruntime-web', 'package.json'), 'utf8'));
  expect(files.filter((name) => /\.(wasm|mjs)$/.test(name))).toEqual([
    `ort/${version}/ort-wasm-simd-threaded.asyncify.mjs`,
    `ort/${version}/ort-wasm-simd-threaded.asyncify.wasm`,
    `ort/${version}/ort-wasm-simd-threaded.mjs`,
    `ort/${version}/ort-wasm-simd-threaded.wasm`,
  ]);
});

it('names every other script by its content', () => {
  const scripts = files.filter((name) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThanOrEqual(4);
  for (const script of scripts) expect(script).toMatch(/^assets\/[\w.-]+-[\w-]{8}\.js$/);
});

it('keeps the glue out of the scripts: none is above 80 kB', async () => {
  const scripts = files.filter((name) => name.endsWith('.js'));
  const sizes = await Promise.all(scripts.map(async (name) => (await stat(join(folder, 'dist', name))).size));
  expect(Math.max(...sizes)).toBeLessThan(80_000);
});

it('puts smaller .br and .gz copies with the same content beside scripts and WebAssembly', async () => {
  const plain = files.filter((name) => /\.(js|wasm|mjs)$/.test(name) && files.includes(`${name}.br`));
  expect(plain.filter((name) => name.endsWith('.wasm'))).toHaveLength(2);
  expect(plain.filter((name) => name.startsWith('assets/')).length).toBeGreaterThanOrEqual(3);
  for (const name of plain) {
    const [bytes, brotli, gzipped] = await Promise.all(['', '.br', '.gz'].map((ending) => readFile(join(folder, 'dist', name + ending))));
    if (bytes === undefined || brotli === undefined || gzipped === undefined) throw new Error(`${name} has no compressed copies`);
    expect(brotli.length).toBeLessThan(gzipped.length);
    expect(gzipped.length).toBeLessThan(bytes.length);
    expect(brotliDecompressSync(brotli).equals(bytes)).toBe(true);
    expect(gunzipSync(gzipped).equals(bytes)).toBe(true);
  }
});
