import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFolder } from './folder-lock.ts';

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-lock-'));
  lock = join(folder, 'coordinator.pid');
});
afterEach(() => rm(folder, { recursive: true }));

it('takes a free folder and gives it back', async () => {
  const unlock = await lockFolder(folder);
  expect(await readFile(lock, 'utf8')).toBe(String(process.pid));
  await unlock();
  await expect(lockFolder(folder)).resolves.toBeTypeOf('function');
});

it('names the living process that has it, and the file to delete if that is no coordinator', async () => {
  await writeFile(lock, String(process.ppid));
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'locked', fields: { pid: process.ppid }, message: expect.stringContaining(lock) });
});

it.each([['a process that has ended', '2147483646'], ['nonsense', 'abc'], ['nothing', ''], ['our own number, from before a restart of the container', String(process.pid)]])('takes over what %s left', async (_what, text) => {
  await writeFile(lock, text);
  await expect(lockFolder(folder)).resolves.toBeTypeOf('function');
  expect(await readFile(lock, 'utf8')).toBe(String(process.pid));
});
