import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { BuildError } from './build-error.ts';
import { corelibIn } from './corelib.ts';

const wasm = readFileSync(join(dirname(createRequire(import.meta.url).resolve('wasm-cairo')), 'wasm-cairo_bg.wasm'));

it('reads the core library out of the pinned compiler', () => {
  const corelib = corelibIn(wasm);
  expect(corelib.size).toBe(123);
  expect(corelib.get('lib.cairo')).toContain('pub type usize = u32;');
  expect(corelib.get('starknet/storage/vec.cairo')).toContain('pub struct Vec<T>');
});

it('refuses a core library that is not the one it knows', () => {
  const changed = Buffer.from(wasm);
  changed[changed.indexOf('pub type usize = u32;')] = 0x20;
  for (const bytes of [changed, Buffer.from('\0asm\x01\0\0\0')]) expect(() => corelibIn(bytes)).toThrow(expect.objectContaining({ name: BuildError.name, code: 'no-corelib' }));
});
