import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

/** Folder of the built page that holds the runtime's files; below it one folder per onnxruntime-web version. */
export const ORT_FOLDER = 'ort';

/** How onnxruntime-web's code, and our own, names a build of the runtime: one `.mjs` (glue) beside one `.wasm`. */
const RUNTIME_NAME = /ort-wasm-simd-threaded(?:\.[a-z]+)?(?=\.(?:mjs|wasm))/g;

const distribution = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/webgpu'));

async function ortVersion(): Promise<string> {
  const { version }: { version: string } = JSON.parse(await readFile(join(distribution, '..', 'package.json'), 'utf8'));
  return version;
}

/**
 * Puts the runtime builds that the bundle names under `ort/<version>/`, each once and under its own name, so that they can
 * be cached for ever and a new release of the page does not download 27 MB again. The page finds them with
 * `ort.env.versions.web`. Needs the resolve condition `onnxruntime-web-use-extern-wasm`; without it every entry would
 * bring its own copy.
 */
export function ortFiles(): Plugin {
  const named = new Set<string>();
  return {
    name: 'ciro:ort-files',
    generateBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        const code = output.type === 'chunk' ? output.code : output.fileName.endsWith('.js') ? output.source.toString() : '';
        for (const [name] of code.matchAll(RUNTIME_NAME)) named.add(name);
      }
    },
    async writeBundle({ dir }) {
      if (dir === undefined || named.size === 0) return;
      const folder = join(dir, ORT_FOLDER, await ortVersion());
      await mkdir(folder, { recursive: true });
      for (const name of named) {
        for (const ending of ['mjs', 'wasm']) await copyFile(join(distribution, `${name}.${ending}`), join(folder, `${name}.${ending}`));
      }
    },
  };
}
