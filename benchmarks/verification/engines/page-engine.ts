import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildComputePage } from './build-compute-page.ts';
import { TaskServer } from './task-server.ts';
import type { OpenBrowser, OpenOptions } from './open-browsers.ts';
import type { PageTask } from './page-task.ts';
import type { RowEngine } from './row-engine.ts';

/** The built page that computes. */
export interface ComputePage extends AsyncDisposable {
  readonly folder: string;
}

/** Builds the page into a folder of its own. */
export async function openComputePage(signal: AbortSignal): Promise<ComputePage> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-compute-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await buildComputePage(folder, signal);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

/** An engine in a browser. Throws EngineMissing when `open` does. */
export async function openPageEngine(page: ComputePage, provider: PageTask['provider'], open: (options: OpenOptions) => Promise<OpenBrowser>, say: (line: string) => void, signal: AbortSignal): Promise<RowEngine & { readonly version: string }> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await TaskServer.open(page.folder));
  const browser = opening.use(await open({ url: server.url, say, signal }));
  const opened = opening.move();
  return {
    version: browser.version,
    compute: (model, stage, inputs) => server.compute(model, stage, inputs, provider, signal),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
