import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import * as v from 'valibot';

/** Longest wait for a tab to be where a test wants it; cold loading on two shared cores is the slowest. */
const STATE_TIMEOUT_MS = 120_000;
const POLL_MS = 50;

const Status = v.object({
  state: v.looseObject({ kind: v.string() }),
  node_id: v.nullable(v.string()),
  engine: v.nullable(v.string()),
  layers: v.nullable(v.tuple([v.number(), v.number()])),
  /** Layers that a spare has loaded to take them over at once. */
  standby: v.nullable(v.tuple([v.number(), v.number()])),
  timings: v.object({ join_ms: v.nullable(v.number()), ready_ms: v.nullable(v.number()) }),
  memory: v.object({ held_bytes: v.number(), peak_bytes: v.number() }),
  links: v.array(v.object({ peer: v.string(), state: v.string(), route: v.string(), rtt_ms: v.number(), loss: v.nullable(v.number()) })),
  generated: v.object({ positions: v.number(), batched: v.number(), drafted: v.number(), accepted: v.number() }),
  bytes: v.object({ downloaded: v.number(), cached: v.number() }),
  weights: v.object({ coordinator: v.number(), publicFile: v.number(), neighbours: v.number(), from: v.number(), given: v.number(), to: v.number() }),
});
/** What a page says of itself. */
export type BrowserStatus = v.InferOutput<typeof Status>;

/** Whether a spare could take layers over this moment. */
export const isStandingBy = ({ standby }: BrowserStatus): boolean => standby !== null;

/** Status of a page; throws while its program has not started. */
export async function browserStatus(page: Page): Promise<BrowserStatus> {
  return v.parse(Status, await page.evaluate('globalThis.ciro?.status()'));
}

/** Waits until the page is in one of these states and gives its status; throws with the state it was in instead. */
export async function browserInState(page: Page, ...kinds: readonly string[]): Promise<BrowserStatus> {
  const deadline = performance.now() + STATE_TIMEOUT_MS;
  for (;;) {
    // Asked from outside: the page's own policy forbids the evaluated predicates of `waitForFunction`.
    const status: unknown = await page.evaluate('globalThis.ciro?.status()');
    if (v.is(Status, status) && kinds.includes(status.state.kind)) return status;
    if (performance.now() > deadline) throw new Error(`the tab is not ${kinds.join(' or ')} after ${STATE_TIMEOUT_MS / 1000} s but ${JSON.stringify(status)}`);
    await sleep(POLL_MS);
  }
}
