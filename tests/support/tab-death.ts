import type { Page } from 'playwright-core';

/**
 * Ways in which a volunteer's tab goes. `closed`: by its person, and it says so. `crashed`: its process ends, as out of memory;
 * the browser closes its socket. `frozen`: none of its threads runs any more, while its connections stay open. `cut`: it runs on,
 * and nothing that it sends arrives any more, nor anything that it is sent.
 */
export const TAB_DEATHS = ['closed', 'crashed', 'frozen', 'cut'] as const;
export type TabDeath = (typeof TAB_DEATHS)[number];

/** A volunteer's page, and the process that runs all of its threads and no other page. */
export interface VolunteerTab {
  readonly page: Page;
  readonly pid: number;
}

/**
 * A line that is as good as cut: no datagram of WebRTC passes, and of what the socket carries a byte a second. Said so because a
 * browser's own "offline" leaves open connections alone.
 */
const CUT_LINE = { offline: false, latency: 0, downloadThroughput: 1, uploadThroughput: 1, packetLoss: 100 } as const;

/** Ends a tab in that way; what is left of it stays until `clearTab`: of a frozen one a process that nothing else ends. */
export async function endTab({ page, pid }: VolunteerTab, death: TabDeath): Promise<void> {
  switch (death) {
    case 'closed':
      await page.close();
      return;
    case 'crashed':
      process.kill(pid, 'SIGKILL');
      return;
    case 'frozen':
      // Not `Page.setWebLifecycleState`: that leaves workers running and timers waiting, and the page still answers.
      process.kill(pid, 'SIGSTOP');
      return;
    case 'cut': {
      // The line is as the session says for as long as the session lasts: until the page is gone.
      const session = await page.context().newCDPSession(page);
      await session.send('Network.enable');
      await session.send('Network.emulateNetworkConditions', CUT_LINE);
    }
  }
}

/** Closes a tab with its storage; `endFrozen` a frozen one before. */
export async function clearTab({ page }: VolunteerTab): Promise<void> {
  await page.context().close();
}

/** Ends the process of a frozen tab: stopped, it would not even answer its browser's request to end. */
export function endFrozen({ pid }: VolunteerTab): void {
  process.kill(pid, 'SIGKILL');
}
