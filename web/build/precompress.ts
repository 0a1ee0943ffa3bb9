import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** Formats that shrink; pictures and fonts are compressed already. */
const COMPRESSIBLE = new Set(['.js', '.mjs', '.css', '.html', '.svg', '.json', '.webmanifest', '.wasm']);
/** Below one network packet a compressed copy saves nothing. */
const MIN_BYTES = 1_400;
/** Highest quality for text: it is small, built once and served often. */
const TEXT_QUALITY = 11;
/** The 26.8 MB runtime: 4.9 MB in 0.4 s at quality 5, 4.7 MB in 1.8 s at 9 (2 cores). Every first start builds the page. */
const WASM_QUALITY = 5;

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

/** Writes `.br` and `.gz` beside every file of the build that gets smaller by it; the coordinator serves them as they are. */
export function precompress(): Plugin {
  return {
    name: 'ciro:precompress',
    // After the files of other plugins are written.
    writeBundle: {
      order: 'post',
      sequential: true,
      async handler({ dir }) {
        if (dir === undefined) return;
        const files = await readdir(dir, { recursive: true, withFileTypes: true });
        const paths = files.filter((file) => file.isFile() && COMPRESSIBLE.has(extname(file.name))).map((file) => join(file.parentPath, file.name));
        await Promise.all(paths.map(compress));
      },
    },
  };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  if (bytes.length < MIN_BYTES) return;
  const quality = extname(path) === '.wasm' ? WASM_QUALITY : TEXT_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const [brotli, gzipped] = await Promise.all([brotliAsync(bytes, { params }), gzipAsync(bytes)]);
  if (brotli.length < bytes.length) await writeFile(`${path}.br`, brotli);
  if (gzipped.length < bytes.length) await writeFile(`${path}.gz`, gzipped);
}
