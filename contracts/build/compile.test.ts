import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { artefactPath, readLock } from './artefacts.ts';
import { checkArtefacts } from './check.ts';
import { compileAll, contractsOf } from './compile.ts';
import type { CairoReply, CairoRequest } from './cairo-process.ts';

const DAY_MS = 86_400_000;
const { sierra_program } = v.parse(v.object({ sierra_program: v.array(v.string()) }), JSON.parse(readFileSync(join(import.meta.dirname, 'vectors', 'counter.sierra.json'), 'utf8')));
const contract = (name: string, extra = ''): string => `${extra}#[starknet::contract]\npub mod ${name} {}\n`;
const SOURCES = new Map([
  ['shared', 'pub fn one() {}\n'],
  ['first', contract('First', 'use crate::shared::one;\n')],
  ['second', contract('Second')],
  ['second_test', contract('ForTests')],
  ['token_fixture', contract('Fixture')],
]);

let folder: string;
let asked: string[];
let compiled: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ciro-contracts-'));
  asked = [];
  compiled = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Answers every source with a class of its own, made of a real program: what differs is the interface. */
const options = (sources = SOURCES, answer?: CairoReply) => ({
  sources,
  folder,
  report: () => undefined,
  askNode: async (): Promise<`0x${string}`> => {
    asked.push('node');
    return `0x${asked.length}`;
  },
  cairo: async ({ source }: CairoRequest): Promise<CairoReply> => {
    const name = /pub mod ([A-Z]\w*)/.exec(source)?.[1] ?? '';
    compiled.push(name);
    if (answer !== undefined) return answer;
    return { kind: 'class', contractClass: JSON.stringify({ sierra_program, contract_class_version: '0.1.0', entry_points_by_type: { EXTERNAL: [], L1_HANDLER: [], CONSTRUCTOR: [] }, abi: [{ type: 'impl', name: `${name} ${source.length}` }], sierra_program_debug_info: {} }) };
  },
});

it('takes contracts of sources only, neither tests’ nor fixtures’', () => {
  expect(contractsOf(SOURCES).map(({ name, bundle }) => [name, ...bundle.modules])).toEqual([['First', 'shared', 'first'], ['Second', 'second']]);
  expect(() => contractsOf(new Map([...SOURCES, ['third', contract('Third', 'use crate::second::S;\n')]]))).toThrow('holds Second of second.cairo and Third of third.cairo');
});

it('compiles what changed, asks the node for new classes only, and drops what has no sources', async () => {
  expect(await compileAll(options())).toEqual(['First', 'Second']);
  const lock = await readLock(folder);
  expect(Object.keys(lock)).toEqual(['First', 'Second']);
  expect(JSON.parse(readFileSync(artefactPath('First', folder), 'utf8'))).not.toHaveProperty('sierra_program_debug_info');
  expect(asked).toHaveLength(2);

  expect(await compileAll(options())).toEqual([]);
  expect(await compileAll({ ...options(), all: true })).toEqual(['First', 'Second']);
  expect(await readLock(folder)).toEqual(lock);
  expect(asked).toHaveLength(2);

  expect(await compileAll(options(new Map([...SOURCES, ['shared', 'pub fn two() {}\n// and more\n']])))).toEqual(['First']);
  expect(asked).toHaveLength(3);
  await compileAll(options(new Map([['second', contract('Second')]])));
  expect(readdirSync(join(folder, 'artefacts'))).toEqual(['Second.contract_class.json']);
  expect(Object.keys(await readLock(folder))).toEqual(['Second']);
});

it('keeps what compiled when something else does not, and says which node to have when none is there', async () => {
  const failing: CairoReply = { kind: 'not-compiled', diagnostics: [], printed: 'Compilation failed.' };
  const some = options();
  await expect(compileAll({ ...some, cairo: (request) => (request.source.includes('Second') ? Promise.resolve(failing) : some.cairo(request)) })).rejects.toMatchObject({ code: 'does-not-compile' });
  expect(Object.keys(await readLock(folder))).toEqual(['First']);
  await expect(compileAll({ ...options(), askNode: undefined })).rejects.toThrow(/Second has become another class .* CIRO_DEVNET_BIN/);
});

it('checks: one compiled a day, the rest held against the lock', async () => {
  await compileAll(options());
  compiled = [];
  expect(await checkArtefacts({ ...options(), time: 0 })).toEqual({ compiled: ['First'], trusted: ['Second'] });
  expect(await checkArtefacts({ ...options(), time: DAY_MS })).toEqual({ compiled: ['Second'], trusted: ['First'] });
  expect(compiled).toEqual(['First', 'Second']);
  expect((await checkArtefacts({ ...options(), time: 0, all: true })).compiled).toEqual(['First', 'Second']);
});

it('refuses other sources, another file, another class and what is left over, all by name', async () => {
  await compileAll(options());
  const changed = new Map([...SOURCES, ['shared', 'pub fn changed() {}\n']]);
  await expect(checkArtefacts({ ...options(changed), time: DAY_MS })).rejects.toThrow('First was compiled from other sources');
  await expect(checkArtefacts({ ...options(new Map([['first', ''], ['second', contract('Second')]])), time: 0 })).rejects.toThrow('First has no sources any more');

  const lockPath = join(folder, 'classes.lock.json');
  const lock = readFileSync(lockPath, 'utf8');
  const { First } = await readLock(folder);
  writeFileSync(lockPath, lock.replace(First?.classHash ?? '', '0x123'));
  await expect(checkArtefacts({ ...options(), time: DAY_MS })).rejects.toThrow('classes.lock.json says 0x123');
  writeFileSync(lockPath, lock);
  writeFileSync(artefactPath('First', folder), '{}');
  await expect(checkArtefacts({ ...options(), time: DAY_MS })).rejects.toThrow('First.contract_class.json is not the file that was written');
});

it('finds a forged artefact on the day that its contract is drawn', async () => {
  const honest = options();
  await compileAll({ ...honest, cairo: async (request) => {
    const reply = await honest.cairo(request);
    return reply.kind === 'class' ? { ...reply, contractClass: reply.contractClass.replace('"impl"', '"forged"') } : reply;
  } });
  await expect(checkArtefacts({ ...honest, time: 0 })).rejects.toThrow('First does not come out of its sources');
});

it('refuses a lock that is none', async () => {
  writeFileSync(join(folder, 'classes.lock.json'), '{"First": {"classHash": "0x01"}}');
  await expect(readLock(folder)).rejects.toMatchObject({ code: 'bad-lock' });
});
