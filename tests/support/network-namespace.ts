import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ip = (...args: readonly string[]): Promise<unknown> => run('ip', args);

/** A second network of this machine, joined to the first by one cable: for whoever is in it, this machine is another one. */
export interface NetworkNamespace extends AsyncDisposable {
  /** Address of this machine on the cable. */
  readonly hostAddress: string;
  /** Writes a program into `folder` that runs `program` inside, with its arguments and open files; gives its path. */
  wrap(program: string, folder: string): Promise<string>;
}

/** Makes one, or says why it cannot be had here. Addresses are those kept for tests of networks (RFC 2544). */
export async function openNamespace(): Promise<NetworkNamespace | { readonly missing: string }> {
  // Distinct for what runs at the same time; names of interfaces have at most 15 characters.
  const tag = process.pid % 16_384;
  const name = `ciro-${tag}`;
  const [outside, inside] = [`cirot${tag}a`, `cirot${tag}b`];
  const base = `198.18.${tag >> 6}.`;
  const first = (tag % 64) * 4;
  const hostAddress = `${base}${first + 1}`;
  try {
    await ip('netns', 'add', name);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'the program ip is missing: apt-get install iproute2' : 'network namespaces need root: run as root, or in a container with --cap-add NET_ADMIN --cap-add SYS_ADMIN';
    return { missing: reason };
  }
  const close = async (): Promise<void> => {
    await ip('netns', 'del', name);
    // Its end of the cable went with the namespace, and this one with that; gone already is gone.
    await ip('link', 'del', outside).catch(() => undefined);
  };
  try {
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name);
    await ip('addr', 'add', `${hostAddress}/30`, 'dev', outside);
    await ip('link', 'set', outside, 'up');
    await ip('-n', name, 'addr', 'add', `${base}${first + 2}/30`, 'dev', inside);
    await ip('-n', name, 'link', 'set', inside, 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    hostAddress,
    async wrap(program, folder) {
      const path = join(folder, 'in-namespace.sh');
      await writeFile(path, `#!/bin/sh\nexec ip netns exec ${name} '${program}' "$@"\n`);
      await chmod(path, 0o755);
      return path;
    },
    [Symbol.asyncDispose]: close,
  };
}
