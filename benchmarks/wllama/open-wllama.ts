import type { Browser, Page } from 'playwright-core';
import * as v from 'valibot';

const Loaded = v.object({ threads: v.number(), loadMs: v.number() });
const Generated = v.object({ tokens: v.number(), ttftMs: v.number(), tokensPerSecond: v.number(), text: v.string() });
export type Generated = v.InferOutput<typeof Generated>;

/** A tab with wllama and its model, for a fixed number of threads. */
export interface WllamaTab extends AsyncDisposable {
  readonly threads: number;
  readonly loadMs: number;
  /** Greedy; `prompt` is the rendered chat, special tokens included. */
  generate(prompt: string, maxTokens: number): Promise<Generated>;
}

/**
 * Opens wllama's page in a context of its own in `browser` and loads the model.
 * @throws Error when the page runs another number of threads than asked: the figure would be about something else
 */
export async function openWllama(browser: Browser, url: string, threads: number): Promise<WllamaTab> {
  const context = await browser.newContext();
  const page: Page = await context.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction('globalThis.load !== undefined');
    const loaded = v.parse(Loaded, await page.evaluate(`load(${threads})`));
    if (loaded.threads !== threads) throw new Error(`wllama runs ${loaded.threads} threads where ${threads} were asked for; is the page isolated?`);
    return {
      ...loaded,
      generate: async (prompt, maxTokens) => v.parse(Generated, await page.evaluate(`generate(${JSON.stringify(prompt)}, ${maxTokens})`)),
      [Symbol.asyncDispose]: () => context.close(),
    };
  } catch (error) {
    await context.close();
    throw error;
  }
}
