import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { askVersion } from './browser.ts';
import type { Browser } from './browser.ts';
import { installedBrowserPaths } from './installed-browsers.ts';
import { npmChromium, npmChromiumFits } from './npm-chromium.ts';
import { VolunteersError } from './volunteers-error.ts';

/** `CIRO_BROWSER=npm` takes the packaged browser although one is installed; `none` means that people open the page themselves. */
const NPM = 'npm';
const NONE = 'none';

export interface FindBrowserOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told in plain lines what is fetched, and why the search went on. */
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * A browser for headless volunteers: `CIRO_BROWSER`, else an installed Chrome, Chromium or Edge, else the headless Chromium of
 * npm, else undefined: the coordinator then serves anyway and prints the link to open.
 * @throws VolunteersError `no-such-browser` when `CIRO_BROWSER` names something that does not run: a wish is never ignored
 */
export async function findBrowser({ env = process.env, report = () => undefined, signal }: FindBrowserOptions = {}): Promise<Browser | undefined> {
  const wish = env['CIRO_BROWSER'] ?? '';
  if (wish === NONE) return undefined;
  if (wish === NPM) return npmChromium(report, signal);
  if (wish !== '') return wished(wish);

  for (const path of installedBrowserPaths({ platform: process.platform, env, home: homedir() })) {
    if (!existsSync(path)) continue;
    const version = await askVersion(path);
    if (version !== undefined) return { path, version, source: 'installed', env: {} };
    report(`${path} does not run or is too old; looking further`);
  }

  if (!npmChromiumFits()) return undefined;
  try {
    return await npmChromium(report, signal);
  } catch (error) {
    if (!(error instanceof VolunteersError)) throw error;
    report(error.message);
    return undefined;
  }
}

async function wished(path: string): Promise<Browser> {
  const version = existsSync(path) ? await askVersion(path) : undefined;
  if (version !== undefined) return { path, version, source: 'CIRO_BROWSER', env: {} };
  const reason = existsSync(path) ? 'does not run or is too old' : 'does not exist';
  throw new VolunteersError('no-such-browser', `CIRO_BROWSER is ${path}, which ${reason}. Give the full path of a Chrome, Chromium or Edge of release 137 or newer, or \`npm\`, or \`none\`.`, { fault: 'user', fields: { path } });
}
