import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { routerRules } from './routers.ts';
import type { RouterKind } from './routers.ts';

const run = promisify(execFile);
const ip = (...args: readonly string[]): Promise<unknown> => run('ip', args);
const inside = (name: string, program: string, ...args: readonly string[]) => run('ip', ['netns', 'exec', name, program, ...args]);

/** Where tabs live: a machine behind a router, which is the only way out. */
export interface Home {
  readonly kind: RouterKind;
  /** Writes a program into `folder` that runs `program` there; gives its path. */
  wrap(program: string, folder: string): Promise<string>;
  /** Runs a program there and gives what it prints. */
  exec(program: string, ...args: readonly string[]): Promise<string>;
}

/** A small internet of network namespaces on this machine. */
export interface Internet extends AsyncDisposable {
  /** This machine's address in it. */
  readonly hostAddress: string;
  /** Two addresses of the machine in its middle, and a command that runs programs there. */
  readonly serverAddresses: readonly [string, string];
  readonly serverCommand: readonly string[];
  /** A home behind a router of this kind; the second one of a kind is another home with the same addresses inside. */
  home(kind: RouterKind): Promise<Home>;
}

/** Whatever is missing is told with the command that mends it. */
export type Missing = { readonly missing: string };

/**
 * Makes one, or says why it cannot be had here. A namespace in the middle forwards between this machine and the routers, each on a cable
 * of its own; addresses are those kept for tests of networks (RFC 2544), homes all have the same private ones.
 */
export async function openInternet(): Promise<Internet | Missing> {
  const tag = process.pid % 16_384;
  const names: string[] = [];
  const add = async (name: string): Promise<string> => {
    await ip('netns', 'add', name);
    names.push(name);
    // An address that appears by itself a second after its cable ends what a browser loads meanwhile (ERR_NETWORK_CHANGED).
    await inside(name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  };
  const close = async (): Promise<void> => {
    for (const name of names.splice(0)) await ip('netns', 'del', name);
    // Its end of the cable went with the namespace; gone already is gone.
    await ip('link', 'del', `cirow${tag}`).catch(() => undefined);
  };
  try {
    await run('iptables', ['--version']);
    await add(`ciro-net-${tag}`);
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { missing: absent ? 'iptables or ip is missing: apt-get install iptables iproute2' : 'network namespaces need root: run as root, or in a container with --cap-add NET_ADMIN --cap-add SYS_ADMIN' };
  }
  const middle = `ciro-net-${tag}`;
  const subnet = `198.18.${tag % 250}`;
  const servers = [`${subnet}.241`, `${subnet}.245`] as const;
  let homes = 0;
  try {
    await ip('link', 'add', `cirow${tag}`, 'type', 'veth', 'peer', 'name', 'host', 'netns', middle);
    await ip('addr', 'add', `${subnet}.2/30`, 'dev', `cirow${tag}`);
    await ip('link', 'set', `cirow${tag}`, 'up');
    await ip('-n', middle, 'addr', 'add', `${subnet}.1/30`, 'dev', 'host');
    await ip('-n', middle, 'link', 'set', 'host', 'up');
    for (const server of servers) await ip('-n', middle, 'addr', 'add', `${server}/32`, 'dev', 'lo');
    await inside(middle, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    await ip('route', 'add', `${subnet}.0/24`, 'via', `${subnet}.1`);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    hostAddress: `${subnet}.2`,
    serverAddresses: servers,
    serverCommand: ['ip', 'netns', 'exec', middle],
    async home(kind) {
      const index = ++homes;
      const [router, machine] = [await add(`ciro-r${index}-${tag}`), await add(`ciro-m${index}-${tag}`)];
      const first = 4 * index;
      await ip('-n', middle, 'link', 'add', `r${index}`, 'type', 'veth', 'peer', 'name', 'wan', 'netns', router);
      await ip('-n', middle, 'addr', 'add', `${subnet}.${first + 1}/30`, 'dev', `r${index}`);
      await ip('-n', middle, 'link', 'set', `r${index}`, 'up');
      await ip('-n', router, 'addr', 'add', `${subnet}.${first + 2}/30`, 'dev', 'wan');
      await ip('-n', router, 'link', 'set', 'wan', 'up');
      await ip('-n', router, 'route', 'add', 'default', 'via', `${subnet}.${first + 1}`);
      await ip('-n', router, 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', machine);
      await ip('-n', router, 'addr', 'add', '192.168.7.1/24', 'dev', 'lan');
      await ip('-n', router, 'link', 'set', 'lan', 'up');
      await ip('-n', machine, 'addr', 'add', '192.168.7.2/24', 'dev', 'eth0');
      await ip('-n', machine, 'link', 'set', 'eth0', 'up');
      await ip('-n', machine, 'route', 'add', 'default', 'via', '192.168.7.1');
      await inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      for (const rule of routerRules(kind)) await inside(router, 'iptables', ...rule);
      return {
        kind,
        async wrap(program, folder) {
          const path = join(folder, `in-${machine}.sh`);
          await writeFile(path, `#!/bin/sh\nexec ip netns exec ${machine} '${program}' "$@"\n`);
          await chmod(path, 0o755);
          return path;
        },
        exec: async (program, ...args) => (await inside(machine, program, ...args)).stdout,
      };
    },
    [Symbol.asyncDispose]: close,
  };
}
