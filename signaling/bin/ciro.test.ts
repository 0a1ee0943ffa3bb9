import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** Stands in for npm at the platform's edge: notes its call, takes its time, and leaves what `npm ci` leaves. */
const FAKE_NPM = `
const fs = require('node:fs');
fs.appendFileSync(process.env.NPM_CALLS, process.argv.slice(2).join(' ') + '\\n');
if (process.env.NPM_FAILS) { console.error('npm error code E' + process.env.NPM_FAILS); process.exit(7); }
setTimeout(() => {
  fs.mkdirSync('node_modules/node/bin', { recursive: true });
  if (!fs.existsSync('node_modules/node/bin/node')) fs.symlinkSync(process.execPath, 'node_modules/node/bin/node');
  fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
}, 300);
`;
const START = `
// Ready for the signal before anything is written: the test sends it at the first word.
if (process.argv[2] === 'wait') { process.on('SIGTERM', () => process.exit(42)); setInterval(() => {}, 1000); }
else process.exitCode = Number(process.argv[2] ?? 0);
console.log(JSON.stringify({ args: process.argv.slice(2), installMs: Number(process.env.CIRO_INSTALL_MS) }));
`;
const lockFile = (version: string) =>
  JSON.stringify({ packages: { '': {}, 'node_modules/a': { version, integrity: 'x' }, 'node_modules/b': { version: '1', integrity: 'y', optional: true } } });

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'ciro-bin-'));
  for (const file of ['ciro', 'find-node', 'install', 'install-lock', 'install-progress']) {
    await cp(join(import.meta.dirname, `${file}.mjs`), join(checkout, 'signaling', 'bin', `${file}.mjs`));
  }
  await mkdir(join(checkout, 'signaling', 'src', 'cli'), { recursive: true });
  await writeFile(join(checkout, 'signaling', 'src', 'cli', 'start.ts'), START);
  await writeFile(join(checkout, 'npm-cli.js'), FAKE_NPM);
  await writeFile(join(checkout, 'package-lock.json'), lockFile('1'));
});

afterEach(() => rm(checkout, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function ciro(args: readonly string[], env: Readonly<Record<string, string>> = {}, onOut: (pid: number) => void = () => undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(checkout, 'signaling', 'bin', 'ciro.mjs'), ...args], {
      cwd: checkout,
      env: { PATH: dirname(process.execPath), npm_execpath: join(checkout, 'npm-cli.js'), NPM_CALLS: join(checkout, 'calls'), ...env },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (child.pid !== undefined) onOut(child.pid);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const npmCalls = async () => (await readFile(join(checkout, 'calls'), 'utf8')).trim().split('\n');

it('installs from the lock file on the first start, then runs the command with its options and says how long the install took', async () => {
  const first = await ciro(['start', '0', '--once', 'a b']);
  expect(first.code).toBe(0);
  expect(JSON.parse(first.out)).toMatchObject({ args: ['0', '--once', 'a b'] });
  expect(JSON.parse(first.out).installMs).toBeGreaterThanOrEqual(300);
  expect(first.err).toMatch(/installing packages \(first start\): 0 of 1, 0 s\n.*installed/s);
  expect(await npmCalls()).toEqual(['ci --include=dev --no-audit --no-fund --loglevel=error']);

  const second = await ciro(['start']);
  expect(JSON.parse(second.out)).toEqual({ args: [], installMs: 0 });
  expect(second.err).toBe('');
  expect(await npmCalls()).toHaveLength(1);
});

it('installs once when two starts run at the same time, and both go on', async () => {
  const [one, two] = await Promise.all([ciro(['start']), ciro(['start'])]);
  expect([one.code, two.code]).toEqual([0, 0]);
  expect(await npmCalls()).toHaveLength(1);
  expect(one.err + two.err).toMatch(/Another start \(process \d+\) is installing/);
});

it('takes over the install lock of a process that died', async () => {
  await mkdir(join(checkout, '.ciro'));
  await writeFile(join(checkout, '.ciro', 'install.lock'), '99999999');
  expect((await ciro(['start'])).code).toBe(0);
  expect(await npmCalls()).toHaveLength(1);
});

it('installs again when the lock file asks for other packages, and not when it is only newer', async () => {
  await ciro(['start']);
  const later = new Date(Date.now() + 60_000);
  await utimes(join(checkout, 'package-lock.json'), later, later);
  await ciro(['start']);
  expect(await npmCalls()).toHaveLength(1);

  await writeFile(join(checkout, 'package-lock.json'), lockFile('2'));
  await utimes(join(checkout, 'package-lock.json'), later, later);
  expect((await ciro(['start'])).err).toContain('package-lock.json changed');
  expect(await npmCalls()).toHaveLength(2);
});

it('repeats npm’s reason and says what to do when the install fails', async () => {
  const { code, err } = await ciro(['start'], { NPM_FAILS: 'NOTFOUND' });
  expect(code).toBe(1);
  expect(err).toContain('npm error code ENOTFOUND');
  expect(err).toMatch(/`npm ci .*` failed with exit code 7.*Check the network, proxy and free disk space/s);
});

it('says where npm comes from when there is none', async () => {
  const { code, err } = await ciro(['start'], { npm_execpath: '', PATH: join(checkout, 'nowhere') });
  expect(code).toBe(1);
  expect(err).toMatch(/npm was not found.*Install Node\.js 20 or newer from https:\/\/nodejs\.org/);
});

it('ends with the command’s exit code', async () => {
  expect((await ciro(['start', '3'])).code).toBe(3);
});

it('passes SIGTERM on to the command and waits for it', async () => {
  const { code } = await ciro(['start', 'wait'], {}, (pid) => process.kill(pid, 'SIGTERM'));
  expect(code).toBe(42);
});

it('a job with --cheat is run by the script that is kept with the tests; one without is not', async () => {
  await writeFile(join(checkout, 'signaling', 'src', 'cli', 'job.ts'), 'console.log("honest")');
  await mkdir(join(checkout, 'tests', 'support'), { recursive: true });
  await writeFile(join(checkout, 'tests', 'support', 'run-cheated-job.ts'), 'console.log(process.argv.slice(2).join(" "))');
  expect((await ciro(['job', '--prompt', 'about --cheat'])).out).toBe('honest\n');
  for (const cheat of [['--cheat', 'requantise8@2'], ['--cheat=requantise8@2']]) {
    expect((await ciro(['job', '--prompt', 'a', ...cheat])).out).toBe(`--prompt a ${cheat.join(' ')}\n`);
  }
});

it('lists its commands when asked for one that does not exist', async () => {
  const { code, err } = await ciro(['statr']);
  expect(code).toBe(2);
  expect(err).toMatch(/no command `statr`.*usage: npm start/s);
});
