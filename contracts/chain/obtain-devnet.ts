/** A devnet for a machine that has none: the official release where its checksum is known, else a build from crates.io. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChainError } from './chain-error.ts';
import { DEVNET_VERSION, cachedDevnet } from './find-devnet.ts';

const RELEASES = `https://github.com/starknet-io/starknet-devnet/releases/download/v${DEVNET_VERSION}`;
/** Archive of each platform, and its SHA-256 where somebody has proved one; a release that is not pinned is never run unasked. */
const ARCHIVES: Readonly<Record<string, { readonly target: string; readonly sha256?: string }>> = {
  'linux x64': { target: 'x86_64-unknown-linux-gnu' },
  'linux arm64': { target: 'aarch64-unknown-linux-gnu' },
  'darwin x64': { target: 'x86_64-apple-darwin' },
  'darwin arm64': { target: 'aarch64-apple-darwin' },
};
/** The archive has about 20 MB. */
const MOST_BYTES = 200_000_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;
/** Crates that the build compiles, for its progress. */
const CRATES = 860;
/** 18 minutes on two cores. */
const BUILD_TIMEOUT_MS = 3 * 3_600_000;

export interface ObtainOptions {
  readonly cacheFolder: string;
  /** `CIRO_DEVNET_SHA256`: checksum that the caller read on the release's page; PATH: where cargo is looked for. */
  readonly env: NodeJS.ProcessEnv;
  /** What is being done; `bytes` of `total` while it is fetched or built. */
  readonly report: (what: string, done?: number, total?: number) => void;
  readonly signal?: AbortSignal;
  /** Another home of the releases, for tests. */
  readonly releases?: string;
  readonly platform?: string;
}

/**
 * Path of a devnet in the cache, fetched or built for it.
 * @throws ChainError `bad-download` when an archive is not the one that was named, `no-devnet` when neither way is open: it says why, and what to do
 */
export async function obtainDevnet(options: ObtainOptions): Promise<string> {
  const binary = cachedDevnet(options.cacheFolder);
  await mkdir(dirname(binary), { recursive: true });
  const draft = await mkdtemp(`${binary}-draft-`);
  const reasons: string[] = [];
  try {
    const found = (await fromRelease(draft, options, reasons)) ?? (await fromCrates(draft, options, reasons));
    if (found === undefined) {
      throw new ChainError('no-devnet', `There is no starknet-devnet ${DEVNET_VERSION} on this machine, and none could be had: ${reasons.join('; ')}. Then run the command again, or name a binary with CIRO_DEVNET_BIN.`, {
        fault: 'platform',
        fields: { reasons },
      });
    }
    await chmod(found, 0o755);
    await rename(found, binary);
    return binary;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function fromRelease(draft: string, { env, report, signal, releases = RELEASES, platform = `${process.platform} ${process.arch}` }: ObtainOptions, reasons: string[]): Promise<string | undefined> {
  const archive = ARCHIVES[platform];
  if (archive === undefined) return void reasons.push(`the official release has no archive for ${platform}`);
  const url = `${releases}/starknet-devnet-${archive.target}.tar.gz`;
  const expected = env['CIRO_DEVNET_SHA256']?.toLowerCase() ?? archive.sha256;
  if (expected === undefined || !/^[0-9a-f]{64}$/.test(expected)) {
    return void reasons.push(`the SHA-256 of ${url} is not pinned in this version of Ciro, and a binary is not run unseen (compare it with the release's page and set CIRO_DEVNET_SHA256 to it)`);
  }
  report(`fetching ${url}`);
  const bytes = await download(url, report, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    reasons.push(`${url} could not be fetched (${error instanceof Error ? error.message : String(error)})`);
  });
  if (bytes === undefined) return undefined;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== expected) throw new ChainError('bad-download', `${url} has SHA-256 ${sha256}, not ${expected}. It was thrown away.`, { fault: 'peer', fields: { url, sha256, expected } });
  const path = join(draft, 'archive.tar.gz');
  await writeFile(path, bytes);
  await runProgram('tar', ['-xzf', path, '-C', draft], env, DOWNLOAD_TIMEOUT_MS, signal, () => undefined);
  const inside = (await readdir(draft, { recursive: true })).find((name) => /(^|[\\/])starknet-devnet(\.exe)?$/.test(name));
  return inside === undefined ? void reasons.push(`${url} holds no starknet-devnet`) : join(draft, inside);
}

async function download(url: string, report: ObtainOptions['report'], signal: AbortSignal | undefined): Promise<Buffer> {
  const limit = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
  const response = await fetch(url, { signal: signal === undefined ? limit : AbortSignal.any([limit, signal]) });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
  const total = Number(response.headers.get('content-length') ?? 0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
    report('starknet-devnet', length, total);
  }
  return Buffer.concat(chunks);
}

async function fromCrates(draft: string, { env, report, signal }: ObtainOptions, reasons: string[]): Promise<string | undefined> {
  const args = ['install', 'starknet-devnet', '--version', DEVNET_VERSION, '--locked', '--root', draft];
  const line = `cargo ${args.slice(0, 5).join(' ')}`;
  report(`building with \`${line}\`: about 18 minutes on two cores`);
  let built = 0;
  let said = '';
  try {
    await runProgram('cargo', args, env, BUILD_TIMEOUT_MS, signal, (text) => {
      said = (said + text).slice(-2_000);
      const compiled = text.match(/^\s*Compiling /gm)?.length ?? 0;
      if (compiled > 0) report('crates', (built += compiled), Math.max(CRATES, built));
    });
    return join(draft, 'bin', 'starknet-devnet');
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return void reasons.push(`cargo is not on PATH (with Rust from https://rustup.rs, \`${line}\` builds it)`);
    return void reasons.push(`\`${line}\` failed: ${error instanceof Error ? error.message : String(error)}. ${said.trim().split('\n').slice(-3).join(' ')}`);
  }
}

function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv, timeout: number, signal: AbortSignal | undefined, onText: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout, ...(signal && { signal }) });
    child.stdout.setEncoding('utf8').on('data', onText);
    child.stderr.setEncoding('utf8').on('data', onText);
    child.once('error', reject);
    child.once('close', (code, killed) => (code === 0 ? resolve() : reject(new Error(`${program} ended ${killed === null ? `with exit code ${code}` : `by ${killed}`}`))));
  });
}
