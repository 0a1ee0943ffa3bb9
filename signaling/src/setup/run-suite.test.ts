import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHECKOUT } from './checkout.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ciro-suite-'));
  await symlink(join(CHECKOUT, 'node_modules'), join(root, 'node_modules'));
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
});

afterEach(() => rm(root, { recursive: true }));

/** Runs a suite in a process of its own, as `npm test` does. */
async function run(tests: string, onLine: (line: string, pid: number) => void = () => undefined): Promise<{ code: number | null; lines: readonly string[] }> {
  const program = `import { runSuite } from ${JSON.stringify(join(import.meta.dirname, 'run-suite.ts'))}; process.exit(await runSuite(${JSON.stringify(root)}, []));`;
  await writeFile(join(root, 'a.test.js'), `import { beforeAll, describe, expect, it } from 'vitest';\n${tests}`);
  // Without the outer run's VITEST_* variables, which name its own workers.
  const env = { PATH: process.env['PATH'] ?? '', HOME: root };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (child.pid !== undefined) onLine(line, child.pid);
  });
  await once(child, 'close');
  return { code: child.exitCode, lines };
}

it('ends with the plain line alone, after each skipped test and its reason', async () => {
  const { code, lines } = await run(`it('adds', () => expect(1 + 1).toBe(2)); it('needs a GPU', (t) => t.skip('no GPU here')); it.skip('is off', () => {});`);
  expect(code).toBe(0);
  expect(lines.slice(-3)).toEqual(['skipped: a.test.js > needs a GPU (no GPU here)', 'skipped: a.test.js > is off (no reason given)', '1 passed, 0 failed, 2 skipped']);
});

it('fails when a test fails', async () => {
  const { code, lines } = await run(`it('adds', () => expect(1 + 1).toBe(3)); it('is true', () => expect(true).toBe(true));`);
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
});

it('counts a file that does not load as a failure', async () => {
  const { code, lines } = await run(`throw new Error('does not load');`);
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
});

it('counts a failed hook as a failure although its tests never ran', async () => {
  const { code, lines } = await run(`describe('with a server', () => { beforeAll(() => { throw new Error('no server'); }); it('answers', () => {}); });`);
  expect(code).toBe(1);
  expect(lines.at(-1)).toMatch(/^0 passed, 1 failed, \d skipped$/);
});

it('counts an error that escapes every test as a failure', async () => {
  const { code, lines } = await run(`it('starts a promise', () => { void Promise.reject(new Error('nobody waits')); });`);
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
});

it('ends with the plain line, and a failure, when it is told to stop while a test hangs', { timeout: 30_000 }, async () => {
  const tests = `it('adds', () => expect(1 + 1).toBe(2)); it('hangs', { timeout: 60_000 }, () => { console.log('hanging'); return new Promise(() => {}); });`;
  const { code, lines } = await run(tests, (line, pid) => {
    // Twice, as from a group and from the parent in it.
    if (line.endsWith('hanging')) for (let times = 0; times < 2; times += 1) process.kill(pid, 'SIGTERM');
  });
  expect(code).toBe(1);
  // What vitest has not heard from its worker by then is counted as not finished.
  expect(lines.at(-1)).toMatch(/^[01] passed, [1-3] failed, [01] skipped$/);
});
