import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRecord, recordOf, recordProblems, sourcesSha256, writeRecord } from './test-record.ts';
import type { TestRecord } from './test-record.ts';

const SOURCES = new Map([
  ['a', 'pub fn one() {}\n'],
  ['a_test', 'use crate::a::one;\n#[test]\nfn second() {}\n#[test]\nfn first() {}\n'],
]);
const whole = (sources = SOURCES, passed = ['first', 'second']): TestRecord => ({ modules: { a_test: recordOf('a_test', sources, passed, 'runner') }, branches: { sources: sourcesSha256(sources), total: 3, missed: [] } });

it('holds for the sources that the tests passed with, and for no others', () => {
  expect(recordProblems(SOURCES, whole())).toEqual([]);
  const changed = new Map([...SOURCES, ['a', 'pub fn one() { let _x = 1; }\n']]);
  expect(recordProblems(changed, whole())).toEqual(['a_test: it or what it needs has changed since its tests passed', 'branches: counted for other sources']);
});

it('names modules that were never recorded, are gone, or whose tests are others', () => {
  const record = whole(SOURCES, ['first']);
  expect(recordProblems(SOURCES, { ...record, modules: { ...record.modules, b_test: recordOf('a_test', SOURCES, [], 'runner') } })).toEqual(['a_test: recorded are other tests than it has (second)', 'b_test: recorded, but there is no such module']);
  expect(recordProblems(SOURCES, { ...whole(), modules: {} })).toEqual(['a_test: its 2 tests were never recorded as passed']);
  expect(recordProblems(SOURCES, whole(SOURCES, ['first', 'second', 'third']))).toEqual(['a_test: recorded are other tests than it has (too many)']);
});

it('comes back from its file, and a file that is none is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-record-'));
  try {
    expect(await readRecord(folder)).toEqual({ modules: {} });
    await writeRecord(whole(), folder);
    expect(await readRecord(folder)).toEqual(whole());
    await writeFile(join(folder, 'tests.lock.json'), '{"modules":{"a_test":{}}}');
    await expect(readRecord(folder)).rejects.toMatchObject({ code: 'bad-record' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
