import { chromium } from 'playwright-core';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';

/** Why a test is skipped without one, and what to do. */
export const NO_WEBGPU = 'this browser has no WebGPU adapter, not even the software one: install Chromium, or name one with CIRO_BROWSER';

/** Whether a page of this browser is given a WebGPU adapter, if only the one that computes on the processor. */
export async function hasWebGpu(browser: Browser): Promise<boolean> {
  const opened = await chromium.launch({ executablePath: browser.path, env: { ...process.env, ...browser.env }, args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] });
  try {
    const page = await opened.newPage();
    // WebGPU is there for secure contexts only: about:blank is none.
    await page.route('http://localhost/', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto('http://localhost/');
    return (await page.evaluate('navigator.gpu?.requestAdapter().then((adapter) => adapter !== null) ?? false')) === true;
  } finally {
    await opened.close();
  }
}
