import { expect, it } from 'vitest';
import { bundle, originOf } from './bundle.ts';

const SOURCES = new Map([
  ['low', 'pub fn one() -> felt252 {\n    1\n}\n'],
  ['middle', 'use crate::low::one;\npub fn two() -> felt252 {\n    one() + one()\n}'],
  ['top', '// not crate::absent\nuse crate::{low, middle::{two}};\nfn all() -> felt252 {\n    low::one() + two()\n}\n'],
  ['alone', 'fn nothing() {}\n'],
]);

it('puts what a module needs before it, each once, and nothing else', () => {
  const { modules, source } = bundle('top', SOURCES);
  expect(modules).toEqual(['low', 'middle', 'top']);
  expect(source).toBe(
    'pub mod low {\npub fn one() -> felt252 {\n    1\n}\n}\npub mod middle {\nuse crate::low::one;\npub fn two() -> felt252 {\n    one() + one()\n}\n}\n' +
      'pub mod top {\n// not crate::absent\nuse crate::{low, middle::{two}};\nfn all() -> felt252 {\n    low::one() + two()\n}\n}\n',
  );
});

it('maps every line back to its file, and none of its own', () => {
  const made = bundle('top', SOURCES);
  const lines = made.source.split('\n');
  for (const [at, text] of lines.slice(0, -1).entries()) {
    const origin = originOf(made, SOURCES, at + 1);
    if (origin === undefined) expect(text).toMatch(/^(pub mod \w+ \{|\})$/);
    else expect(SOURCES.get(origin.module)?.split('\n')[origin.line - 1]).toBe(text);
  }
  expect(originOf(made, SOURCES, 8)).toEqual({ module: 'middle', line: 2 });
});

it('hashes the closure: a change in what is needed counts, one elsewhere does not', () => {
  const { sha256 } = bundle('top', SOURCES);
  expect(bundle('top', new Map([...SOURCES, ['alone', 'fn other() {}\n']])).sha256).toBe(sha256);
  expect(bundle('top', new Map([...SOURCES, ['low', 'pub fn one() -> felt252 { 3 }\n']])).sha256).not.toBe(sha256);
});

it('refuses a cycle by its names, and a module that is not there by who names it', () => {
  const cyclic = new Map([['a', 'use crate::b::x;\n'], ['b', 'use crate::c::x;\n'], ['c', 'use crate::b::x;\n']]);
  expect(() => bundle('a', cyclic)).toThrow('The modules b → c → b refer to each other');
  expect(() => bundle('a', new Map([['a', 'use crate::zz::x;\n']]))).toThrow('a.cairo names crate::zz, but there is no contracts/src/zz.cairo');
});
