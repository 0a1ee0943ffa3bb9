import { defaultClientConditions, defineConfig } from 'vite';
import { ortFiles } from './build/ort-files.ts';
import { precompress } from './build/precompress.ts';

export default defineConfig({
  root: import.meta.dirname,
  // onnxruntime-web's builds with the glue inlined would each emit a copy of the WebAssembly.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // The engine's worker is a module and may load parts of itself on demand.
  worker: { format: 'es' },
  plugins: [ortFiles(), precompress()],
  build: {
    // Names under assets/ hold the content's hash, so all of it can be cached for ever.
    outDir: 'dist',
    emptyOutDir: true,
    // A data: URL cannot be cached, nor allowed by a strict content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
