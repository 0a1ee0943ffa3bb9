/** The native runner of Cairo tests, contracts/runner: found on this machine, or built once from its sources and crates.io. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { access, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import * as v from 'valibot';
import { BuildError } from './build-error.ts';
import { CORELIB_SHA256, corelibIn } from './corelib.ts';
import type { SpawnOptions } from 'node:child_process';

const RUNNER_FOLDER = join(import.meta.dirname, '..', 'runner');
const SUFFIX = process.platform === 'win32' ? '.exe' : '';
const NAME = `ciro-cairo-tests${SUFFIX}`;
/** Crates that the build compiles, for its progress. */
const CRATES = 240;
/** 4 minutes on two idle cores; an hour where twenty others want them. */
const BUILD_TIMEOUT_MS = 2 * 3_600_000;
/** Crates of the compiler's that are changed before the build: see patches/ there. */
const PATCHED = ['cairo-lang-runner', 'cairo-vm'];
const Metadata = v.object({ packages: v.array(v.object({ name: v.string(), manifest_path: v.string() })) });
/** Hexadecimal digits of a checksum that name a folder. */
const NAME_DIGITS = 16;

/** A program that runs the tests of a bundle, and the core library that it compiles them with. */
export interface NativeRunner {
  readonly binary: string;
  /** Folder of the core library's `lib.cairo`. */
  readonly corelib: string;
}

export interface RunnerOptions {
  /** `CIRO_CAIRO_RUNNER`: a binary built already; PATH, CARGO_HOME: where cargo is looked for. */
  readonly env: NodeJS.ProcessEnv;
  readonly cacheFolder: string;
  /** What is being done; `done` of `total` crates while it is built. */
  readonly report: (what: string, done?: number, total?: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** SHA-256 over what the binary is built from: another source is another folder in the cache. */
export function runnerVersion(folder: string = RUNNER_FOLDER): string {
  const hash = createHash('sha256');
  for (const file of ['Cargo.toml', 'Cargo.lock', 'src/main.rs', ...PATCHED.map((crate) => `patches/${crate}.patch`)]) hash.update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, NAME_DIGITS);
}

const cachedRunner = (cacheFolder: string): string => join(cacheFolder, 'cairo-runner', runnerVersion(), NAME);

/**
 * A runner that is on this machine.
 * @throws BuildError `no-runner` when `CIRO_CAIRO_RUNNER` names something that cannot be run
 */
export async function findRunner(options: RunnerOptions): Promise<NativeRunner | undefined> {
  const named = options.env['CIRO_CAIRO_RUNNER'];
  if (named !== undefined && named !== '' && !(await isExecutable(named))) {
    throw new BuildError('no-runner', `CIRO_CAIRO_RUNNER names ${named}, which is no file that can be run. Name a binary built from contracts/runner or unset it.`, { fault: 'user', fields: { named } });
  }
  const binary = named !== undefined && named !== '' ? named : cachedRunner(options.cacheFolder);
  return (await isExecutable(binary)) ? { binary, corelib: await corelibFolder(options.cacheFolder) } : undefined;
}

/**
 * A runner, built for the cache where there is none.
 * @throws BuildError `no-runner` without cargo, or when the build fails: it says why
 */
export async function obtainRunner(options: RunnerOptions): Promise<NativeRunner> {
  const found = await findRunner(options);
  if (found !== undefined) return found;
  const { env, cacheFolder, report, signal } = options;
  const cargo = await cargoOn(env);
  if (cargo === undefined) throw new BuildError('no-runner', 'cargo is not on PATH. With Rust from https://rustup.rs the native runner of Cairo tests is built once.', { fault: 'platform' });
  report('building the native runner of Cairo tests from contracts/runner: about 7 minutes of one core');
  const folder = join(cacheFolder, 'cairo-runner', `build-${process.pid}`);
  // Named, because the person's own settings may have another one, or another target's folder in it.
  const target = join(folder, 'target');
  let said = '';
  const run = (program: string, args: readonly string[], cwd: string, onText: (text: string) => void = () => undefined): Promise<string> => {
    const hear = (text: string): void => {
      said = (said + text).slice(-2_000);
      onText(text);
    };
    return runProgram(program, args, { cwd, env: buildEnvironment(env, cwd), ...(signal && { signal }) }, hear);
  };
  try {
    await cp(RUNNER_FOLDER, folder, { recursive: true });
    await run(cargo, ['fetch', '--locked'], folder);
    const { packages } = v.parse(Metadata, JSON.parse(await run(cargo, ['metadata', '--locked', '--offline', '--format-version', '1'], folder)));
    const patches: string[] = [];
    for (const name of PATCHED) {
      const source = packages.find((each) => each.name === name)?.manifest_path;
      if (source === undefined) throw new Error(`contracts/runner/Cargo.lock has no ${name}`);
      const copy = join(folder, 'patched', name);
      await cp(dirname(source), copy, { recursive: true });
      await run('git', ['apply', join(folder, 'patches', `${name}.patch`)], copy);
      patches.push('--config', `patch.crates-io.${name}.path=${JSON.stringify(copy)}`);
    }
    let built = 0;
    await run(cargo, ['build', '--release', '--offline', '--target-dir', target, ...patches], folder, (text) => {
      const compiled = text.match(/^\s*Compiling /gm)?.length ?? 0;
      for (let each = 0; each < compiled; each += 1) report('crates', (built += 1), Math.max(CRATES, built));
    });
    const binary = cachedRunner(cacheFolder);
    await mkdir(dirname(binary), { recursive: true });
    await rename(join(target, 'release', NAME), binary);
    return { binary, corelib: await corelibFolder(cacheFolder) };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BuildError('no-runner', `The native runner of Cairo tests could not be built from contracts/runner: ${cause instanceof Error ? cause.message : String(cause)}. ${said.trim().split('\n').slice(-3).join(' ')}`, { fault: 'platform', cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A person's environment without what would build for another machine or leave the program elsewhere; git looks for no repository above `cwd`. */
function buildEnvironment({ CARGO_BUILD_TARGET: _target, CARGO_TARGET_DIR: _folder, CARGO_BUILD_TARGET_DIR: _other, ...env }: NodeJS.ProcessEnv, cwd: string): NodeJS.ProcessEnv {
  return { ...env, GIT_CEILING_DIRECTORIES: dirname(cwd) };
}

/** The core library's files, written to the cache once. */
async function corelibFolder(cacheFolder: string): Promise<string> {
  const folder = join(cacheFolder, 'cairo-corelib', CORELIB_SHA256.slice(0, NAME_DIGITS));
  const library = join(folder, 'corelib', 'src');
  if (await exists(join(library, 'lib.cairo'))) return library;
  const corelib = corelibIn(readFileSync(join(dirname(createRequire(import.meta.url).resolve('wasm-cairo')), 'wasm-cairo_bg.wasm')));
  const draft = `${folder}.${process.pid}`;
  for (const [path, text] of corelib) {
    const file = join(draft, 'corelib', 'src', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await rename(draft, folder).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(join(library, 'lib.cairo')))) throw error; // somebody else was faster
  });
  return library;
}

async function cargoOn(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), join(env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'bin')];
  for (const folder of folders) if (await isExecutable(join(folder, `cargo${SUFFIX}`))) return join(folder, `cargo${SUFFIX}`);
  return undefined;
}

/** Gives what it printed to standard output. */
function runProgram(program: string, args: readonly string[], options: SpawnOptions, onText: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: BUILD_TIMEOUT_MS });
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr?.setEncoding('utf8').on('data', onText);
    child.once('error', reject);
    child.once('close', (code, killed) => (code === 0 ? resolve(printed) : reject(new Error(`${program} ${args[0] ?? ''} ended ${killed === null ? `with exit code ${code}` : `by ${killed}`}`))));
  });
}

const exists = (path: string): Promise<boolean> => allows(path, constants.F_OK);
const isExecutable = (path: string): Promise<boolean> => allows(path, constants.X_OK);

async function allows(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false; // not there, or not ours
  }
}
