import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Oldest major version that runs TypeScript as it is and satisfies every locked package. */
const OLDEST_NODE_MAJOR = 24;

/** Something the person at the keyboard has to do; the message says what. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Where the npm package `node` puts its binary.
 * @param {string} checkout
 */
export function packagedNode(checkout) {
  return join(checkout, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * The Node that runs our TypeScript: the packaged one, else the running one when it is new enough.
 * @param {string} checkout
 * @returns {string} absolute path
 */
export function findNode(checkout) {
  const packaged = packagedNode(checkout);
  if (existsSync(packaged)) return packaged;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE_MAJOR) return process.execPath;
  throw new SetupError(
    `The npm package \`node\` brought no Node.js ${OLDEST_NODE_MAJOR} for ${process.platform}-${process.arch}, and the running one is ${process.versions.node}. ` +
      `Install Node.js ${OLDEST_NODE_MAJOR} from https://nodejs.org and run the command again.`,
  );
}

/**
 * Whether the packaged Node is there and starts on this machine (a glibc build on a musl system is there and does not).
 * @param {string} checkout
 */
export function packagedNodeRuns(checkout) {
  const packaged = packagedNode(checkout);
  return existsSync(packaged) && spawnSync(packaged, ['--version']).status === 0;
}
