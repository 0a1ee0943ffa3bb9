import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Texts by path, on this machine alone. */
export async function servePages(pages: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const text = pages[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
