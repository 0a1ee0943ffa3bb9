#!/usr/bin/env node
// The one entry of all root scripts. Plain JavaScript for Node >= 20 and without packages, because it is what installs them;
// everything after it runs on the Node 24 of the npm package `node`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { findNode, SetupError } from './find-node.mjs';

const CHECKOUT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Script behind each command; any other file of signaling/src/cli is a command by its own name. */
const ENTRIES = new Map([
  ['start', 'signaling/src/cli/start.ts'],
  ['job', 'signaling/src/cli/job.ts'],
  ['test', 'signaling/src/setup/run-tests.ts'],
  ['check', 'signaling/src/setup/run-check.ts'],
  ['build', 'signaling/src/setup/build-page.ts'],
  ['bench', 'benchmarks/run.ts'],
]);

/** `job --cheat NAME@STAGE`: what cheats is kept with the tests, apart from everything that volunteers load. */
const CHEATED_JOB = 'tests/support/run-cheated-job.ts';

const USAGE = `usage: npm start | npm test | npm run job|verify|calibrate|chain|escrow|contracts|dispute|stake|worker|doctor|backup|restore|audit|check|build|bench [-- options]
   or: node signaling/bin/ciro.mjs ${[...ENTRIES.keys(), 'verify', 'calibrate', 'chain', 'escrow', 'contracts', 'dispute', 'stake', 'worker', 'doctor', 'backup', 'restore', 'audit'].join('|')} [options]`;

/**
 * Path of the script behind a command, or undefined when there is none.
 * @param {string | undefined} command
 * @param {readonly string[]} args
 */
function entryOf(command, args) {
  if (command === 'job' && args.some((arg) => arg === '--cheat' || arg.startsWith('--cheat='))) return join(CHECKOUT, CHEATED_JOB);
  const known = ENTRIES.get(command ?? '');
  if (known !== undefined) return join(CHECKOUT, known);
  if (command === undefined || !/^[a-z][a-z-]*$/.test(command)) return undefined;
  const script = join(CHECKOUT, 'signaling', 'src', 'cli', `${command}.ts`);
  return existsSync(script) ? script : undefined;
}

/**
 * Runs the script to its end with this process's streams, passing signals on; gives its exit code.
 * @param {string} node
 * @param {string} script
 * @param {readonly string[]} args
 * @param {number} installMs
 * @returns {Promise<number>}
 */
function runScript(node, script, args, installMs) {
  const path = `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH: path, CIRO_INSTALL_MS: String(Math.round(installMs)) };
  return new Promise((resolve, reject) => {
    const child = spawn(node, [script, ...args], { cwd: process.cwd(), env, stdio: 'inherit' });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => {
        // Ctrl-C in a terminal reaches the whole foreground group; a second SIGINT would read as "stop at once".
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.once('error', (error) => {
      reject(new SetupError(`${node} does not run here (${error.message}). Install Node.js 24 from https://nodejs.org and run the command again.`));
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

const [command, ...args] = process.argv.slice(2);
const script = entryOf(command, args);
if (script === undefined) {
  console.error(command === undefined ? USAGE : `There is no command \`${command}\`.\n${USAGE}`);
  process.exit(2);
}
try {
  const installMs = await ensureInstalled(CHECKOUT);
  process.exitCode = await runScript(findNode(CHECKOUT), script, args, installMs);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
