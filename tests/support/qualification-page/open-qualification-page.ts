import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { ortFiles } from '../../../web/build/ort-files.ts';
import type { Page } from 'playwright-core';
import type { Browser } from '../../../signaling/src/volunteers/browser.ts';

const ORIGIN = 'http://localhost/';
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** A page of a real browser with the qualification vectors in it, on the software WebGPU adapter. */
export async function openQualificationPage(browser: Browser): Promise<{ readonly page: Page } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-qualification-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  try {
    await build({
      root: import.meta.dirname,
      configFile: false,
      logLevel: 'error',
      resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
      plugins: [ortFiles()],
      publicDir: false,
      build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: false, reportCompressedSize: false, rolldownOptions: { input: join(import.meta.dirname, 'qualification-page.ts'), output: { format: 'es', entryFileNames: 'page.js' } } },
    });
    await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>');
    const opened = await chromium.launch({ executablePath: browser.path, env: { ...process.env, ...browser.env }, args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] });
    stack.defer(() => opened.close());
    const page = await opened.newPage();
    // WebGPU is there for secure contexts only; nothing listens at this address, the test answers for it.
    await page.route(`${ORIGIN}**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      const name = pathname === '/' ? 'index.html' : pathname.slice(1);
      const body = await readFile(join(folder, name)).catch(() => undefined);
      await (body === undefined ? route.fulfill({ status: 404 }) : route.fulfill({ body, contentType: TYPES[extname(name)] ?? 'application/octet-stream' }));
    });
    await page.goto(ORIGIN);
    return { page, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
