/** `node build-compute-page.ts OUT`: bundles the page that computes, with the tabs' own engine, into the folder OUT. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import { ortFiles } from '../../../web/build/ort-files.ts';

/** Bundles in a process of its own: its memory goes back, and a test run's NODE_ENV stays out of the page. */
export function buildComputePage(outDir: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, outDir], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NODE_ENV: 'production' }, signal });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`the page that computes did not build: ${words.trim()}`))));
  });
}

if (import.meta.main) {
  await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'warn',
    // onnxruntime-web's builds with the glue inlined would each emit a copy of the WebAssembly.
    resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
    plugins: [ortFiles()],
    build: { outDir: process.argv[2] ?? '', emptyOutDir: true, assetsInlineLimit: 0, target: 'esnext', reportCompressedSize: false, rolldownOptions: { input: join(import.meta.dirname, 'compute.html') } },
  });
}
