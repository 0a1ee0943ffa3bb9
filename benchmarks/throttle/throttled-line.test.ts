import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openThrottledLine } from './throttled-line.ts';

const BYTES = 500_000;
const MEGABITS_PER_SECOND = 20;
/** 500 kB at 2.5 MB/s. */
const IDEAL_MS = 200;

async function setup() {
  const server = createServer((_, response) => response.end(Buffer.alloc(BYTES, 7)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const line = await openThrottledLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, MEGABITS_PER_SECOND);
  return {
    line,
    async [Symbol.asyncDispose]() {
      await line[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('openThrottledLine', () => {
  it('carries every byte and is never faster than the line', async () => {
    await using at = await setup();
    const started = performance.now();
    const body = new Uint8Array(await (await fetch(at.line.url)).arrayBuffer());
    expect(performance.now() - started).toBeGreaterThanOrEqual(IDEAL_MS * 0.95);
    expect(body.length).toBe(BYTES);
    expect(body.every((byte) => byte === 7)).toBe(true);
    expect(at.line.passedBytes).toBeGreaterThan(BYTES);
  });

  it('shares the line between those who load at the same time', async () => {
    await using at = await setup();
    const started = performance.now();
    await Promise.all([1, 2, 3].map(async () => (await fetch(at.line.url)).arrayBuffer()));
    expect(performance.now() - started).toBeGreaterThanOrEqual(3 * IDEAL_MS * 0.95);
  });
});
