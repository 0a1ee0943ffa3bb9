import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { packagedNodeRuns, SetupError } from './find-node.mjs';
import { withLock } from './install-lock.mjs';
import { showProgress } from './install-progress.mjs';

/** How much of npm's output an error repeats: its reason comes first among the lines marked as errors, then its usage. */
const REPEATED_LINES = 12;

/**
 * `packages` of a lock file: install path → version and hash. Entries of the workspaces themselves are left out.
 * @param {string} file
 * @returns {Map<string, { identity: string, optional: boolean }>}
 */
function lockedPackages(file) {
  /** @type {{ packages?: Record<string, { version?: string, integrity?: string, optional?: boolean, link?: boolean }> }} */
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const packages = new Map();
  for (const [path, { version, integrity, optional, link }] of Object.entries(lock.packages ?? {})) {
    if (path.includes('node_modules/') && link !== true) packages.set(path, { identity: `${version} ${integrity}`, optional: optional === true });
  }
  return packages;
}

/**
 * Whether what npm wrote about its last install says the same as the lock file. A newer lock file alone proves nothing:
 * `git checkout` touches files.
 * @param {string} lockFile
 * @param {string} installedFile
 */
function installedMatches(lockFile, installedFile) {
  const installed = lockedPackages(installedFile);
  for (const [path, { identity, optional }] of lockedPackages(lockFile)) {
    const there = installed.get(path);
    // A package for another operating system is locked and optional, and not installed here.
    if (there === undefined ? !optional : there.identity !== identity) return false;
  }
  return true;
}

/**
 * Why the packages have to be installed, or undefined when they are as the lock file says.
 * @param {string} checkout
 * @returns {string | undefined}
 */
export function installReason(checkout) {
  const lockFile = join(checkout, 'package-lock.json');
  const installedFile = join(checkout, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'first start';
  if (statSync(installedFile).mtimeMs >= statSync(lockFile).mtimeMs) return undefined;
  return installedMatches(lockFile, installedFile) ? undefined : 'package-lock.json changed';
}

/**
 * How to run npm. `npm ci` removes node_modules, so neither the Node that runs it nor what it finds on PATH may live there.
 * @param {string} checkout
 */
function npmCommand(checkout) {
  const modules = join(checkout, 'node_modules');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(modules)).join(delimiter);
  const cli = process.env['npm_execpath'];
  const env = { ...process.env, PATH: path };
  if (cli !== undefined && cli.endsWith('npm-cli.js') && existsSync(cli)) {
    const ownNode = relative(modules, process.execPath).startsWith('..') ? process.execPath : 'node';
    return { command: ownNode, leading: [cli], env, shell: false };
  }
  return { command: 'npm', leading: [], env, shell: process.platform === 'win32' };
}

/**
 * Runs npm in the checkout to its end; throws a SetupError with npm's last words when it fails.
 * @param {string} checkout
 * @param {readonly string[]} args
 */
function runNpm(checkout, args) {
  const { command, leading, env, shell } = npmCommand(checkout);
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...leading, ...args], { cwd: checkout, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    child.once('error', (error) => {
      reject(new SetupError(`npm was not found (${error.message}). Install Node.js 20 or newer from https://nodejs.org: npm comes with it.`));
    });
    child.once('close', (code) => {
      if (code === 0) return resolve(undefined);
      const lines = output.trim().split('\n');
      const errors = lines.filter((line) => /^npm (error|ERR!)/.test(line));
      const words = (errors.length > 0 ? errors.slice(0, REPEATED_LINES) : lines.slice(-REPEATED_LINES)).join('\n');
      reject(new SetupError(`${words}\n\n\`npm ${args.join(' ')}\` failed with exit code ${code}; npm's reason is above. Check the network, proxy and free disk space, then run the command again.`));
    });
  });
}

/** @param {string} checkout */
async function install(checkout) {
  // A person's settings (`omit=dev`) would leave out Node 24 itself, those of `npm run --silent` the reason of a failure.
  await runNpm(checkout, ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (packagedNodeRuns(checkout)) return;
  await runNpm(checkout, ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error']).catch((error) => {
    // findNode says what is missing, unless the running Node will do.
    if (!(error instanceof SetupError)) throw error;
  });
}

/**
 * Installs the locked packages when they are missing or others; several processes at once install once.
 * @param {string} checkout
 * @returns {Promise<number>} milliseconds it took, waiting included; 0 when there was nothing to do
 */
export async function ensureInstalled(checkout) {
  if (installReason(checkout) === undefined) return 0;
  const started = performance.now();
  const lockFile = join(checkout, '.ciro', 'install.lock');
  const onWait = (/** @type {number} */ pid) => console.error(`Another start (process ${pid}) is installing the packages; waiting for it.`);
  await withLock(lockFile, onWait, async () => {
    const reason = installReason(checkout);
    if (reason === undefined) return;
    const names = [...lockedPackages(join(checkout, 'package-lock.json'))].filter(([, { optional }]) => !optional).map(([path]) => path);
    const progress = showProgress(process.stderr, checkout, names, reason);
    try {
      await install(checkout);
      progress.end(true);
    } catch (error) {
      progress.end(false);
      throw error;
    }
  });
  return performance.now() - started;
}
