import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import * as v from 'valibot';
import { EngineMissing } from './row-engine.ts';
import type { ChildProcess } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import type { OpenBrowser, OpenOptions } from './open-browsers.ts';

const HOW = 'on Debian: apt-get install webkit2gtk-driver xvfb';
/** Where Debian and Ubuntu keep WebKitGTK's own small browser. */
const LIBRARIES = '/usr/lib/x86_64-linux-gnu';
/** The driver and the display are there within a second; two busy cores need longer. */
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

const NewSession = v.object({ value: v.object({ sessionId: v.string(), capabilities: v.object({ browserName: v.optional(v.string(), 'MiniBrowser'), browserVersion: v.optional(v.string(), '') }) }) });

/** WebKitGTK's MiniBrowser under Xvfb, driven by WebKitWebDriver with plain W3C WebDriver requests. */
export async function openWebKit({ url, signal }: OpenOptions): Promise<OpenBrowser> {
  const driverPath = find('WebKitWebDriver');
  const displayPath = find('Xvfb');
  const folder = existsSync(LIBRARIES) ? readdirSync(LIBRARIES).find((name) => /^webkit2?gtk-\d/.test(name) && existsSync(join(LIBRARIES, name, 'MiniBrowser'))) : undefined;
  if (driverPath === undefined || displayPath === undefined || folder === undefined) throw new EngineMissing(`WebKitWebDriver, MiniBrowser and Xvfb are not all installed; ${HOW}`);
  await using opening = new AsyncDisposableStack();
  const display = await startDisplay(displayPath, signal);
  opening.defer(() => end(display.child));
  const port = await freePort();
  const driver = spawn(driverPath, [`--port=${port}`], { stdio: 'ignore', env: { ...process.env, DISPLAY: display.name, GDK_BACKEND: 'x11', WEBKIT_DISABLE_COMPOSITING_MODE: '1' } });
  opening.defer(() => end(driver));
  const base = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${base}/status`).then((response) => response.ok, () => false), signal);
  const options = { binary: join(LIBRARIES, folder, 'MiniBrowser'), args: ['--automation'] };
  const session = v.parse(NewSession, await request(`${base}/session`, 'POST', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } }, signal)).value;
  opening.defer(() => request(`${base}/session/${session.sessionId}`, 'DELETE', undefined, AbortSignal.timeout(START_TIMEOUT_MS)).then(() => undefined, () => undefined));
  await request(`${base}/session/${session.sessionId}/url`, 'POST', { url }, signal);
  const opened = opening.move();
  const { browserName, browserVersion } = session.capabilities;
  return { version: `WebKitGTK ${browserName} ${browserVersion}`.trim(), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function find(program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** Xvfb chooses a free display itself and writes its number to the descriptor it is given. */
async function startDisplay(path: string, signal: AbortSignal): Promise<{ child: ChildProcess; name: string }> {
  const child = spawn(path, ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  let number = '';
  child.stdio[3]?.on('data', (bytes: Buffer) => (number += bytes.toString()));
  try {
    await until(async () => number.includes('\n'), signal);
  } catch (error) {
    await end(child);
    throw error;
  }
  return { child, name: `:${number.trim()}` };
}

async function until(ready: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  while (!(await ready())) {
    limit.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function request(url: string, method: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { method, signal, ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`WebKitWebDriver refused ${method} ${new URL(url).pathname}: ${JSON.stringify(answer).slice(0, 300)}`);
  return answer;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await gone;
}
