import { existsSync } from 'node:fs';
import type { LaunchOptions } from 'playwright-core';
import type { Browser } from './browser.ts';

export type VolunteerEngine = 'auto' | 'wasm' | 'webgpu';

/** What a volunteer's page is told by its address. */
export interface VolunteerWishes {
  readonly engine: VolunteerEngine;
  /** It hides its address from others. */
  readonly relayOnly?: boolean;
  /** Memory that it gives; what its page would choose when absent. */
  readonly memoryBudgetBytes?: number | undefined;
  /** Jobs that one run of its engine may be for; 1 to measure what batches bring. */
  readonly maxBatchJobs?: number | undefined;
  /** Ids that it drafts for one lap; 0 to measure what drafts bring. */
  readonly maxDrafts?: number | undefined;
}

/** Where a volunteer's page is: it contributes by itself because of what follows the `#`. */
export function volunteerAddress(url: string, { engine, relayOnly, memoryBudgetBytes, maxBatchJobs, maxDrafts }: VolunteerWishes): string {
  const address = new URL(url);
  const wishes = { batch: maxBatchJobs, drafts: maxDrafts, memory: memoryBudgetBytes };
  const said = Object.entries(wishes).flatMap(([name, value]) => (value === undefined ? [] : [`&${name}=${value}`]));
  address.hash = `volunteer=1&engine=${engine}${relayOnly === true ? '&relay=only' : ''}${said.join('')}`;
  return address.href;
}

/** How a headless browser is started for an engine. Signals are this program's business; its end, however it comes, closes the pipe to the browser, which then ends too. */
export function browserOptions(browser: Browser, engine: VolunteerEngine, timeout: number): LaunchOptions {
  return { executablePath: browser.path, headless: true, args: switches(engine), env: { ...process.env, ...browser.env }, timeout, handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
}

/** Whether Linux shows a graphics device; elsewhere the system's own driver decides. */
function mayHaveGpu(): boolean {
  return process.platform !== 'linux' || ['/dev/dri/renderD128', '/dev/nvidia0', '/dev/dxg'].some((device) => existsSync(device));
}

function switches(engine: VolunteerEngine): string[] {
  // Headless volunteers open nothing but the coordinator's own page.
  const common = ['--no-sandbox', '--disable-quic', '--mute-audio'];
  if (engine === 'wasm') return [...common, '--disable-gpu'];
  const webgpu = [...common, '--enable-unsafe-webgpu'];
  // Asked for WebGPU without a device, the page gets Chromium's software adapter: right, and about 40 times slower than WASM.
  return engine === 'webgpu' && !mayHaveGpu() ? [...webgpu, '--use-webgpu-adapter=swiftshader'] : webgpu;
}
