import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { findDevnet, HOW_TO_HAVE_A_DEVNET } from '@ciro/contracts/chain/find-devnet.ts';
import { modelFolder } from '../models/cache-folder.ts';
import { DEFAULT_MODEL } from '../models/default-model.ts';
import { fileSha256 } from '../models/file-sha256.ts';
import { askVersion } from '../volunteers/browser.ts';
import { installedBrowserPaths } from '../volunteers/installed-browsers.ts';
import { fail, ok, skipped, warn } from './finding.ts';
import type { AddressInfo } from 'node:net';
import type { Finding } from './finding.ts';

/** A cold browser on busy cores. */
const BROWSER_TIMEOUT_MS = 30_000;
/** Runs in the page. */
const ASK_ADAPTER = `navigator.gpu?.requestAdapter().then((given) => given && { software: given.info.isFallbackAdapter === true, name: (given.info.vendor + ' ' + given.info.architecture).trim() }) ?? null`;
const Adapter = v.nullable(v.object({ software: v.boolean(), name: v.string() }));

/** The installed browser that volunteers would be opened in, nothing fetched: its path, or undefined. */
export async function findInstalled(env: NodeJS.ProcessEnv): Promise<{ readonly path: string; readonly version: string } | undefined> {
  const wish = env['CIRO_BROWSER'] ?? '';
  const paths = wish === '' ? installedBrowserPaths({ platform: process.platform, env, home: homedir() }) : [wish];
  for (const path of paths) {
    const version = existsSync(path) ? await askVersion(path) : undefined;
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

export function browser(env: NodeJS.ProcessEnv, found: Awaited<ReturnType<typeof findInstalled>>): Finding {
  const wish = env['CIRO_BROWSER'] ?? '';
  if (found !== undefined) return ok(`${found.version} at ${found.path}`);
  if (wish === 'none') return ok('CIRO_BROWSER=none: people open the page themselves');
  if (wish === 'npm' || wish === '') return warn('no Chrome, Chromium or Edge of release 137 or newer is installed', '`npm start` fetches a headless Chromium from npm on Linux; or install one (apt-get install chromium), or name one with CIRO_BROWSER');
  return fail(`CIRO_BROWSER is ${wish}, which does not run or is too old`, 'give the full path of a Chrome, Chromium or Edge of release 137 or newer, or `npm`, or `none`');
}

/** Which graphics adapter a page of this browser would be given. */
export async function webgpu(path: string | undefined): Promise<Finding> {
  if (path === undefined) return skipped('no browser to ask', 'install one (see `browser`)');
  const server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>?</title>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await using opened = await chromium.launch({ executablePath: path, headless: true, args: ['--no-sandbox', '--enable-unsafe-webgpu'], timeout: BROWSER_TIMEOUT_MS });
    const page = await opened.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { timeout: BROWSER_TIMEOUT_MS });
    const adapter = v.parse(Adapter, await page.evaluate(ASK_ADAPTER));
    if (adapter !== null && !adapter.software) return ok(`a graphics adapter: ${adapter.name}`);
    return warn(adapter === null ? 'no graphics adapter' : 'a software adapter only, which is slower than WebAssembly', 'nothing to do: tabs compute by WebAssembly then; a GPU makes them faster');
  } catch (error) {
    return skipped(`the browser could not be asked (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)})`, 'look at `browser` first');
  } finally {
    server.close();
  }
}

export async function devnet(env: NodeJS.ProcessEnv, cache: string): Promise<Finding> {
  if (env['CIRO_DEVNET_BIN'] === 'none') return ok('CIRO_DEVNET_BIN=none: credits stay in the ledger');
  const found = await findDevnet(env, cache);
  return found === undefined ? warn('none: `npm start` keeps credits in the ledger', HOW_TO_HAVE_A_DEVNET) : ok(`${found.binary} (from ${found.from})`);
}

/** The default model in the cache, by its hash. */
export async function modelCache(cache: string): Promise<Finding> {
  const { fileName, sha256, bytes } = DEFAULT_MODEL;
  const path = join(modelFolder(cache, sha256), fileName);
  if (!existsSync(path)) return warn(`${fileName} is not in ${cache} yet`, `\`npm start\` fetches it (${Math.round(bytes / 1e6)} MB); without a network put it at ${path}`);
  if ((await fileSha256(path, {})) === sha256) return ok(`${fileName}, whole`);
  return fail(`${path} is another file than its name says`, `delete it; \`npm start\` fetches it again (${Math.round(bytes / 1e6)} MB)`);
}

export function page(folder: string): Finding {
  return existsSync(join(folder, 'index.html')) ? ok('built') : warn('not built yet', '`npm start` builds it, or `npm run build`');
}
