import type { Page } from 'playwright-core';
import type { SwappedWorker } from './build-swapped-worker.ts';

/** The stock compute worker, as the page's build names it. */
const COMPUTE_WORKER = /\/assets\/compute-worker-[^/]+\.js$/;

/** Makes a page that was not opened yet run another compute worker than the one that the coordinator serves. */
export async function swapInPage(page: Page, { entry, files }: SwappedWorker): Promise<void> {
  await page.context().route(COMPUTE_WORKER, async (route) => {
    // The real answer's headers hold the policies under which the page may start a worker at all.
    const response = await route.fetch();
    const headers = { ...response.headers() };
    for (const name of ['content-length', 'content-encoding', 'etag']) delete headers[name];
    // Under its own name, since its parts import it by that: served under the stock one it would be two modules.
    await route.fulfill({ status: 200, headers, contentType: 'text/javascript', body: `import './${entry}';\n` });
  });
  await page.context().route(/\/assets\/swapped-[^/]+\.js$/, async (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    await route.fulfill({ status: 200, headers: { 'cross-origin-resource-policy': 'same-origin' }, ...bodyOf(name) });
  });

  function bodyOf(name: string): { body: Buffer; contentType: string } {
    const body = files.get(name);
    if (body === undefined) throw new Error(`the swapped worker asked for ${name}, which its build does not have`);
    return { body, contentType: 'text/javascript' };
  }
}
