import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBrowser } from './find-browser.ts';
import { installedBrowserPaths } from './installed-browsers.ts';

describe('installedBrowserPaths', () => {
  it('looks on Linux through PATH by name first, then where packages put their binaries', () => {
    const paths = installedBrowserPaths({ platform: 'linux', env: { PATH: '/a:relative:/b' }, home: '/home/v' });
    expect(paths.slice(0, 3)).toEqual(['/a/google-chrome-stable', '/b/google-chrome-stable', '/a/google-chrome']);
    expect(paths).toContain('/opt/google/chrome/chrome');
    expect(paths.some((path) => path.includes('relative'))).toBe(false);
  });

  it('looks on macOS in the system’s and the person’s applications', () => {
    const paths = installedBrowserPaths({ platform: 'darwin', env: {}, home: '/Users/v' });
    expect(paths[0]).toBe('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome');
    expect(paths).toContain('/Users/v/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge');
  });

  it('looks on Windows below the program folders that are set', () => {
    const env = { ProgramFiles: 'C:\\Program Files', LocalAppData: 'C:\\Users\\v\\AppData\\Local' };
    const paths = installedBrowserPaths({ platform: 'win32', env, home: 'C:\\Users\\v' });
    expect(paths[0]).toBe('C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe');
    expect(paths).toContain('C:\\Users\\v\\AppData\\Local\\Google\\Chrome\\Application\\chrome.exe');
    expect(paths).toHaveLength(6);
  });
});

describe.runIf(process.platform === 'linux')('findBrowser', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ciro-browser-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A program that answers `--version` as a browser would. */
  async function install(name: string, script: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('takes the installed browser that comes first and runs, and says which it passed by', async () => {
    const broken = await install('google-chrome', 'echo "libnss3.so: cannot open shared object file" >&2; exit 127');
    const old = await install('chromium', 'echo "Chromium 120.0.6099.0"');
    const good = await install('microsoft-edge', 'echo "Microsoft Edge 157.0.3400.1"');
    const said: string[] = [];
    const browser = await findBrowser({ env: { PATH: folder }, report: (line) => said.push(line) });
    expect(browser).toEqual({ path: good, version: 'Microsoft Edge 157.0.3400.1', source: 'installed', env: {} });
    expect(said).toEqual([`${broken} does not run or is too old; looking further`, `${old} does not run or is too old; looking further`]);
  });

  it('takes CIRO_BROWSER before any installed one', async () => {
    await install('google-chrome', 'echo "Google Chrome 157.0.0.0"');
    const wish = await install('mine/chrome', 'echo "Chromium 150.0.1.2"');
    expect(await findBrowser({ env: { PATH: folder, CIRO_BROWSER: wish } })).toMatchObject({ path: wish, source: 'CIRO_BROWSER' });
  });

  it('finds nothing, without looking, when CIRO_BROWSER is `none`', async () => {
    await install('google-chrome', 'echo "Google Chrome 157.0.0.0"');
    expect(await findBrowser({ env: { PATH: folder, CIRO_BROWSER: 'none' } })).toBeUndefined();
  });

  it('refuses a CIRO_BROWSER that is not there or does not run instead of taking another one', async () => {
    const missing = join(folder, 'missing');
    await expect(findBrowser({ env: { CIRO_BROWSER: missing } })).rejects.toMatchObject({
      code: 'no-such-browser',
      message: `CIRO_BROWSER is ${missing}, which does not exist. Give the full path of a Chrome, Chromium or Edge of release 137 or newer, or \`npm\`, or \`none\`.`,
    });
    const broken = await install('broken', 'exit 1');
    await expect(findBrowser({ env: { CIRO_BROWSER: broken } })).rejects.toMatchObject({ code: 'no-such-browser', fields: { path: broken } });
  });
});
