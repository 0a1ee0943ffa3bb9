import type { Page } from 'playwright-core';
import * as v from 'valibot';

/** Longest wait for a tab to be where a test wants it; cold loading on two shared cores is the slowest. */
const STATE_TIMEOUT_MS = 120_000;

const Status = v.object({
  state: v.looseObject({ kind: v.string() }),
  node_id: v.nullable(v.string()),
  engine: v.nullable(v.string()),
  layers: v.nullable(v.tuple([v.number(), v.number()])),
  timings: v.object({ join_ms: v.nullable(v.number()), ready_ms: v.nullable(v.number()) }),
  memory: v.object({ held_bytes: v.number(), peak_bytes: v.number() }),
  bytes: v.object({ downloaded: v.number(), cached: v.number() }),
});
/** What a page says of itself. */
export type BrowserStatus = v.InferOutput<typeof Status>;

/** Status of a page; throws while its program has not started. */
export async function browserStatus(page: Page): Promise<BrowserStatus> {
  return v.parse(Status, await page.evaluate('globalThis.ciro?.status()'));
}

/** Waits until the page is in one of these states and gives its status. */
export async function browserInState(page: Page, ...kinds: readonly string[]): Promise<BrowserStatus> {
  await page.waitForFunction(`${JSON.stringify(kinds)}.includes(globalThis.ciro?.status().state.kind)`, undefined, { timeout: STATE_TIMEOUT_MS, polling: 50 });
  return browserStatus(page);
}
