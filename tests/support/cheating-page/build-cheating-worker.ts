import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import type { Plugin } from 'vite';
import type { CheatWish } from './page-cheats.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..', '..');
/** The stock entry: the cheat's build differs from it in one module. */
const ENTRY = join(CHECKOUT, 'web', 'src', 'worker', 'compute-worker.ts');
const HONEST_SERVICE = join(CHECKOUT, 'web', 'src', 'worker', 'compute-service.ts');
const CHEATING_SERVICE = join(import.meta.dirname, 'cheating-service.ts');

/** Scripts of a cheating compute worker by file name; `entry` is the worker's own. */
export interface CheatingWorker {
  readonly entry: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Bundles the compute worker with the cheat inside. Nothing of it is written into the checkout or the page's folder. */
export async function buildCheatingWorker(wish: CheatWish): Promise<CheatingWorker> {
  const outDir = await mkdtemp(join(tmpdir(), 'ciro-cheat-'));
  try {
    await build({
      root: join(CHECKOUT, 'web'),
      configFile: false,
      logLevel: 'error',
      mode: 'production',
      resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
      define: { CHEAT_WISH: JSON.stringify(wish), 'process.env.NODE_ENV': '"production"' },
      plugins: [swapService()],
      publicDir: false,
      build: {
        outDir,
        emptyOutDir: true,
        assetsInlineLimit: 0,
        modulePreload: false,
        reportCompressedSize: false,
        rolldownOptions: { input: ENTRY, output: { format: 'es', entryFileNames: 'cheating-[name]-[hash].js', chunkFileNames: 'cheating-[name]-[hash].js' } },
      },
    });
    const names = (await readdir(outDir)).filter((name) => name.endsWith('.js'));
    const entry = names.find((name) => name.startsWith('cheating-compute-worker-'));
    if (entry === undefined) throw new Error(`the cheating worker did not build: ${names.join(', ')}`);
    return { entry, files: new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(outDir, name))] as const))) };
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

/** Puts the cheating service wherever the stock one is imported, except where the cheat itself extends it. */
function swapService(): Plugin {
  return {
    name: 'ciro-cheating-service',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (importer === CHEATING_SERVICE || !source.endsWith('compute-service.ts')) return null;
      const resolved = await this.resolve(source, importer, { skipSelf: true });
      return resolved?.id === HONEST_SERVICE ? CHEATING_SERVICE : resolved;
    },
  };
}
