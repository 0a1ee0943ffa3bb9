import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cachedDevnet, findDevnet } from './find-devnet.ts';
import { obtainDevnet } from './obtain-devnet.ts';
import type { AddressInfo } from 'node:net';

let folder: string;
let releases: string;
let archive: Buffer;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ciro-devnet-'));
  mkdirSync(join(folder, 'release'));
  writeFileSync(join(folder, 'release', 'starknet-devnet'), '#!/bin/sh\necho from the release\n');
  execFileSync('tar', ['-czf', join(folder, 'a.tar.gz'), '-C', join(folder, 'release'), 'starknet-devnet']);
  archive = readFileSync(join(folder, 'a.tar.gz'));
  const server = createServer((request, response) => {
    if (request.url === '/starknet-devnet-x86_64-unknown-linux-gnu.tar.gz') response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  releases = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => new Promise((resolve) => server.close(() => resolve()));
});

afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const cacheFolder = (): string => join(folder, 'cache');
/** PATH with tar, and with a cargo that leaves what cargo leaves, if it is asked for. */
function pathWith(cargo: string | undefined): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  if (cargo !== undefined) {
    writeFileSync(join(bin, 'cargo'), cargo);
    chmodSync(join(bin, 'cargo'), 0o755);
  }
  return [bin, ...(process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.includes('cargo'))].join(delimiter);
}
const obtain = (env: Record<string, string>, cargo?: string) =>
  obtainDevnet({ cacheFolder: cacheFolder(), env: { PATH: pathWith(cargo), HOME: folder, ...env }, report: () => undefined, releases, platform: 'linux x64' });

it('keeps a release whose checksum is the one that was named, and finds it the next time', async () => {
  const binary = await obtain({ CIRO_DEVNET_SHA256: createHash('sha256').update(archive).digest('hex') });
  expect(binary).toBe(cachedDevnet(cacheFolder()));
  expect(execFileSync(binary, { encoding: 'utf8' })).toBe('from the release\n');
  expect(await findDevnet({ PATH: '', CARGO_HOME: folder }, cacheFolder())).toEqual({ binary, from: 'the cache' });
});

it('throws another archive away, builds nothing instead and leaves nothing behind', async () => {
  await expect(obtain({ CIRO_DEVNET_SHA256: '0'.repeat(64) }, '#!/bin/sh\nexit 0\n')).rejects.toMatchObject({ code: 'bad-download' });
  expect(readdirSync(join(cacheFolder(), 'devnet', '0.8.2'))).toEqual([]);
});

it('builds with cargo where no checksum is known', async () => {
  const cargo = '#!/bin/sh\nwhile [ "$1" != "--root" ]; do shift; done\nmkdir -p "$2/bin"\necho "   Compiling a" >&2\nprintf "#!/bin/sh\\necho built\\n" > "$2/bin/starknet-devnet"\n';
  expect(execFileSync(await obtain({}, cargo), { encoding: 'utf8' })).toBe('built\n');
});

it('says why there is none, and what to do', async () => {
  await expect(obtain({})).rejects.toThrow(/SHA-256 of http.* is not pinned.*CIRO_DEVNET_SHA256.*cargo is not on PATH.*cargo install starknet-devnet --version 0\.8\.2 --locked.*CIRO_DEVNET_BIN/s);
  await expect(obtain({}, '#!/bin/sh\necho "error: no space left" >&2\nexit 101\n')).rejects.toThrow(/failed: cargo ended with exit code 101\. error: no space left/);
});

it('does not replace a binary that was named and cannot be run', async () => {
  await expect(findDevnet({ PATH: '', CIRO_DEVNET_BIN: join(folder, 'absent') }, cacheFolder())).rejects.toMatchObject({ code: 'no-devnet' });
  expect(await findDevnet({ PATH: '', CARGO_HOME: folder }, cacheFolder())).toBeUndefined();
});
