import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const run = promisify(execFile);
/** Where Debian keeps the server's programs, which are not on PATH. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';

interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** A PostgreSQL server with a new, empty database cluster. */
export interface PostgresServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts one on a free port, or says why it cannot be had here. */
export async function startPostgres(): Promise<PostgresServer | { readonly missing: string }> {
  const programs = await findPrograms();
  if (programs === undefined) return { missing: 'no PostgreSQL server is installed (apt-get install postgresql)' };
  const user: Partial<UserIds> | undefined = process.getuid?.() === 0 ? await unprivilegedUser() : {};
  if (user === undefined) return { missing: 'PostgreSQL does not run as root, and this machine has no user postgres' };
  const folder = await mkdtemp(join(tmpdir(), 'ciro-postgres-'));
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  await run(join(programs, 'initdb'), ['--pgdata', data, '--auth', 'trust', '--username', 'ciro', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'], { ...user, cwd: folder });
  const server = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'], { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(server, 'close');
  await new Promise<void>((resolve, reject) => {
    let words = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
      if (words.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject).once('close', (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${words}`)));
  });
  return {
    url: `postgres://ciro@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      server.kill('SIGINT');
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findPrograms(): Promise<string | undefined> {
  const versions = await readdir(DEBIAN_FOLDER).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN_FOLDER, version, 'bin'));
  return [...(process.env['PATH'] ?? '').split(delimiter), ...newest].find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** The user that the server's package makes for itself. */
async function unprivilegedUser(): Promise<UserIds | undefined> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
