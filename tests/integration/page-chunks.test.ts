import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildPage, PAGE_FOLDER } from '../../signaling/src/setup/build-page.ts';

/** Bundling takes 5 s on an idle core; what browsers are shown later is this same build. */
const BUILD_TIMEOUT_MS = 180_000;
/** A string of starknet.js's paymaster client, which no bundler renames. */
const STARKNET = 'Paymaster typed data must declare exactly one of';
/** `import … from './x.js'` and `import './x.js'` as a bundler writes them; `import('./x.js')` is none. */
const STATIC_IMPORT = /(?:^|[;}\s])(?:import|export)\s*(?:[\w$\s{},*]*?from\s*)?["'`]\.\/([\w.-]+\.js)["'`]/g;

const scripts = new Map<string, string>();

beforeAll(async () => {
  await buildPage({ signal: AbortSignal.timeout(BUILD_TIMEOUT_MS) });
  const folder = join(PAGE_FOLDER, 'assets');
  for (const name of await readdir(folder)) if (name.endsWith('.js')) scripts.set(name, await readFile(join(folder, name), 'utf8'));
}, BUILD_TIMEOUT_MS);

/** A script and all that the browser fetches with it. */
function loadedWith(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, imported] of (scripts.get(name) ?? '').matchAll(STATIC_IMPORT)) if (imported !== undefined) loadedWith(imported, found);
  return found;
}

it('starknet.js is one chunk, and no script comes with it that is not asked for by its name', () => {
  const holders = [...scripts].filter(([, text]) => text.includes(STARKNET)).map(([name]) => name);
  expect(holders).toHaveLength(1);
  const [chunk = ''] = holders;
  expect(chunk).toMatch(/^starknet-account-/);
  // The page itself, the participant and both workers: what a tab without a chain loads.
  const roots = [...scripts.keys()].filter((name) => /^(index|participant|vault-worker|compute-worker|ciro-storage)-/.test(name));
  expect(roots.length).toBeGreaterThanOrEqual(5);
  for (const root of roots) expect([...loadedWith(root)], root).not.toContain(chunk);
  // What is walked here are imports that are there: the chunk shares code with the participant.
  expect([...loadedWith(chunk)].length).toBeGreaterThan(1);
  // Somebody asks for it, or the tab could not claim.
  expect([...scripts].some(([name, text]) => name.startsWith('participant-') && text.includes(chunk))).toBe(true);
});

it('what links wallets is fetched by who asks for it, and comes with nothing else', () => {
  const holders = [...scripts].filter(([, text]) => text.includes('wallet-standard:app-ready')).map(([name]) => name);
  expect(holders).toEqual([expect.stringMatching(/^payout-face-/)]);
  for (const root of [...scripts.keys()].filter((name) => /^(index|participant|vault-worker|compute-worker|ciro-storage)-/.test(name))) expect([...loadedWith(root)], root).not.toContain(holders[0]);
});

it('the private key is handled by the vault alone: no other script opens what is sealed', () => {
  const holders = [...scripts].filter(([, text]) => text.includes('ciro/identity-backup/1')).map(([name]) => name);
  expect(holders).toEqual([expect.stringMatching(/^vault-worker-/)]);
});
