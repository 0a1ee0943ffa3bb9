import { setFlagsFromString } from 'node:v8';

/**
 * Runs `open` while V8 keeps WebAssembly in its first tier. PostgreSQL's expression interpreter is one function of 105 kB, and
 * optimising it takes 600 MB for two seconds (measured with --trace-wasm-compilation-times); without it our transactions
 * are faster (300 in 0.21 s instead of 0.53 s) and the process stays below 150 MB. A module keeps the tiers it was compiled
 * with, so engines compiled afterwards are optimised as ever.
 */
export async function withoutTierUp<T>(open: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-wasm-dynamic-tiering');
  setFlagsFromString('--no-wasm-tier-up');
  try {
    return await open();
  } finally {
    setFlagsFromString('--wasm-tier-up');
    setFlagsFromString('--wasm-dynamic-tiering');
  }
}
