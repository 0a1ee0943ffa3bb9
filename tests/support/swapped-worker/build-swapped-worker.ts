import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import type { Plugin } from 'vite';

const CHECKOUT = join(import.meta.dirname, '..', '..', '..');
/** The stock entry: a swapped worker's build differs from it in one module. */
const ENTRY = join(CHECKOUT, 'web', 'src', 'worker', 'compute-worker.ts');
const STOCK_SERVICE = join(CHECKOUT, 'web', 'src', 'worker', 'compute-service.ts');

/** What takes the place of the stock service in the compute worker. */
export interface ServiceSwap {
  /** Path of a module that exports another `ComputeService`; it may extend the stock one. */
  readonly service: string;
  /** Constants that the build writes into it, by name. */
  readonly define?: Readonly<Record<string, unknown>>;
}

/** Scripts of such a compute worker by file name; `entry` is the worker's own. */
export interface SwappedWorker {
  readonly entry: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Bundles the compute worker with another service inside. Nothing of it is written into the checkout or the page's folder. */
export async function buildSwappedWorker({ service, define = {} }: ServiceSwap): Promise<SwappedWorker> {
  const outDir = await mkdtemp(join(tmpdir(), 'ciro-swapped-'));
  try {
    await build({
      root: join(CHECKOUT, 'web'),
      configFile: false,
      logLevel: 'error',
      mode: 'production',
      resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
      define: { ...Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])), 'process.env.NODE_ENV': '"production"' },
      plugins: [swapService(service)],
      publicDir: false,
      build: {
        outDir,
        emptyOutDir: true,
        assetsInlineLimit: 0,
        modulePreload: false,
        reportCompressedSize: false,
        rolldownOptions: { input: ENTRY, output: { format: 'es', entryFileNames: 'swapped-[name]-[hash].js', chunkFileNames: 'swapped-[name]-[hash].js' } },
      },
    });
    const names = (await readdir(outDir)).filter((name) => name.endsWith('.js'));
    const entry = names.find((name) => name.startsWith('swapped-compute-worker-'));
    if (entry === undefined) throw new Error(`the swapped worker did not build: ${names.join(', ')}`);
    return { entry, files: new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(outDir, name))] as const))) };
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

/** Puts the other service wherever the stock one is imported, except where it extends that itself. */
function swapService(service: string): Plugin {
  return {
    name: 'ciro-swapped-service',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (importer === service || !source.endsWith('compute-service.ts')) return null;
      const resolved = await this.resolve(source, importer, { skipSelf: true });
      return resolved?.id === STOCK_SERVICE ? service : resolved;
    },
  };
}
