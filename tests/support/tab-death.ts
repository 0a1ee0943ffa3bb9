import * as v from 'valibot';
import { rendererPid } from '../../signaling/src/volunteers/renderer-memory.ts';
import type { Volunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { Page } from 'playwright-core';

/**
 * Ways in which a volunteer's tab goes. `closed`: by its person, and it says so. `crashed`: its process ends, as out of memory;
 * the browser closes its socket. `frozen`: none of its threads runs any more, while its connections stay open. `cut`: it runs on,
 * and nothing that it sends leaves its machine any more, nor does it hear anything.
 */
export const TAB_DEATHS = ['closed', 'crashed', 'frozen', 'cut'] as const;
export type TabDeath = (typeof TAB_DEATHS)[number];

/** A volunteer in a browser of its own, with the processes that make it. */
export interface VolunteerTab extends AsyncDisposable {
  readonly page: Page;
  /** Runs all threads of the page. */
  readonly rendererPid: number;
  /** Holds the connections of this browser, which has no other page. */
  readonly networkPid: number;
}

const ProcessInfo = v.object({ processInfo: v.array(v.object({ type: v.string(), id: v.number() })) });
const NETWORK_SERVICE = 'network.mojom.NetworkService';

/** The one volunteer of a browser; disposing it closes that. */
export async function tabOf(volunteers: Volunteers): Promise<VolunteerTab> {
  const [page] = volunteers.pages;
  const browser = page?.context().browser();
  if (page === undefined || browser == null) throw new Error('there is no volunteer, or its browser is gone');
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = v.parse(ProcessInfo, await session.send('SystemInfo.getProcessInfo'));
  await session.detach();
  const networkPid = processInfo.find(({ type }) => type === NETWORK_SERVICE)?.id;
  if (networkPid === undefined) throw new Error('this browser has no process for the network alone');
  return { page, rendererPid: await rendererPid(page), networkPid, [Symbol.asyncDispose]: () => volunteers.close() };
}

/**
 * Ends a tab in that way. Gives what lets go of the process that was stopped for it, to be called before the browser is closed: a
 * stopped process would not hear of that, and stay behind.
 */
export async function endTab({ page, rendererPid: renderer, networkPid: connections }: VolunteerTab, death: TabDeath): Promise<() => void> {
  switch (death) {
    case 'closed':
      await page.close();
      return () => undefined;
    case 'crashed':
      process.kill(renderer, 'SIGKILL');
      return () => undefined;
    case 'frozen':
      // Not `Page.setWebLifecycleState`: that leaves workers running.
      return stop(renderer);
    case 'cut':
      // Not `Network.emulateNetworkConditions`: no setting of it touches an open data channel.
      return stop(connections);
  }
}

function stop(pid: number): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGKILL');
}
