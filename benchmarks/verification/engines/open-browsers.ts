/** Browsers that open one page and are closed again, each by the protocol it speaks. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { findBrowser } from '@ciro/signaling/volunteers/find-browser.ts';
import { npmTool } from './npm-tool.ts';
import { EngineMissing } from './row-engine.ts';

export { openWebKit } from './open-webkit.ts';

/** A browser with the page that computes. */
export interface OpenBrowser extends AsyncDisposable {
  readonly version: string;
}

export interface OpenOptions {
  readonly url: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const COMMON = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--mute-audio'];
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Chromium through playwright-core; `software`: with SwiftShader as its WebGPU adapter. */
export async function openChromium({ url, say, signal }: OpenOptions, { software = false } = {}): Promise<OpenBrowser> {
  const browser = await findBrowser({ report: say, signal });
  if (browser === undefined) throw new EngineMissing('no Chromium was found; install Chrome or Chromium, or name one with CIRO_BROWSER');
  const launched = await chromium.launch({ executablePath: browser.path, env: { ...process.env, ...browser.env }, args: [...COMMON, ...(software ? WEBGPU : ['--disable-gpu'])] });
  const page = await launched.newPage();
  await page.goto(url);
  return { version: browser.version, [Symbol.asyncDispose]: () => launched.close() };
}

const FIREFOX_PATHS: readonly string[] = ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/snap/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'];

/** The part of puppeteer-core that is used. */
interface Puppeteer {
  launch(options: object): Promise<{ version(): Promise<string>; newPage(): Promise<{ goto(url: string): Promise<unknown>; evaluate(script: string): Promise<unknown> }>; close(): Promise<void> }>;
}

/** A browser whose page can be asked. */
export interface AskedBrowser extends OpenBrowser {
  /** Value of a script in its page. */
  evaluate(script: string): Promise<unknown>;
}

/** Firefox through puppeteer-core, which speaks WebDriver BiDi to it; `prefs` of about:config are set before it starts. */
export async function openFirefox({ url, say, signal, prefs = {} }: OpenOptions & { readonly prefs?: Readonly<Record<string, boolean | number | string>> }): Promise<AskedBrowser> {
  const path = FIREFOX_PATHS.find((each) => existsSync(each));
  if (path === undefined) throw new EngineMissing('Firefox is not installed; on Debian: apt-get install firefox-esr');
  const { default: puppeteer }: { default: Puppeteer } = await import(pathToFileURL(await npmTool('puppeteer-core', say, signal)).href);
  const launched = await puppeteer.launch({ browser: 'firefox', executablePath: path, headless: true, extraPrefsFirefox: prefs });
  const page = await launched.newPage();
  await page.goto(url);
  return { version: (await launched.version()).replace('/', ' '), evaluate: (script) => page.evaluate(script), [Symbol.asyncDispose]: () => launched.close() };
}
