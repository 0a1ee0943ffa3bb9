/** `npm run worker -- --url URL`: headless tabs that contribute to a coordinator elsewhere, until they are stopped. Exit 1 when one of them ends by itself. */
import { join } from 'node:path';
import { CHECKOUT } from '../setup/checkout.ts';
import { findBrowser } from '../volunteers/find-browser.ts';
import { keepVolunteer } from '../volunteers/keep-volunteer.ts';
import { runCommand } from './run-command.ts';
import { parseWorkerOptions } from './worker-options.ts';

await runCommand(async (stopped) => {
  const options = parseWorkerOptions(process.argv.slice(2), CHECKOUT);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const browser = await findBrowser({ report, signal: stopped });
  if (browser === undefined) throw new Error('a worker needs a browser: install Chrome or Chromium, or name one with CIRO_BROWSER');
  const failed = new AbortController();
  const signal = AbortSignal.any([stopped, failed.signal]);
  const { url, engine, memoryBytes, relayOnly } = options;
  report(`${options.count} ${options.count === 1 ? 'worker' : 'workers'} for ${url} in ${browser.version}`);
  const workers = Array.from({ length: options.count }, async (_, index) => {
    try {
      await keepVolunteer({ browser, url, engine, memoryBytes, relayOnly, profile: join(options.profiles, String(index)), onState: (state) => report(`worker ${index}: ${state}`), signal });
    } finally {
      failed.abort();
    }
  });
  const results = await Promise.allSettled(workers);
  const broken = results.find((result) => result.status === 'rejected');
  if (broken !== undefined && !stopped.aborted) throw broken.reason as Error;
});
