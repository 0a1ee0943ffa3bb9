import { readdir } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import type { Browser } from 'playwright-core';

/**
 * Takes back the priority that Chromium gives its GPU process where it may, as for root on Linux. A software GPU computes there, on every core:
 * with that priority all pages wait for it, and links fall silent. Threads that begin later have the priority of those that began them.
 */
export async function levelGpuPriority(browser: Browser): Promise<void> {
  if (process.platform !== 'linux') return;
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  for (const { type, id } of processInfo) if (type === 'GPU') await levelThreads(id);
}

/** A thread that ends meanwhile needs nothing. */
async function levelThreads(pid: number): Promise<void> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  for (const thread of threads.map(Number)) {
    try {
      if (getPriority(thread) < 0) setPriority(thread, 0);
    } catch {
      // It is gone, or not ours to change: then it has no priority that was taken with our rights.
    }
  }
}
