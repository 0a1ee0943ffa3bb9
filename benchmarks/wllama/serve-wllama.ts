import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';

const PAGE = join(import.meta.dirname, '..', 'pages', 'wllama.html');
/** The package's own build: wherever npm put it. */
const PACKAGE = dirname(createRequire(import.meta.url).resolve('@wllama/wllama/esm/index.js'));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Without these two a page has no shared memory, and wllama no threads. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

export interface WllamaServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves wllama's page, its build and one GGUF file on a free port of this machine. */
export async function serveWllama(modelPath: string): Promise<WllamaServer> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = path === '/' ? PAGE : path === '/model.gguf' ? modelPath : path.startsWith('/wllama/') ? join(PACKAGE, path.slice('/wllama/'.length)) : undefined;
    send(file, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function send(file: string | undefined, response: ServerResponse): Promise<void> {
  const size = file === undefined ? undefined : await stat(file).then((found) => found.size, () => undefined);
  if (file === undefined || size === undefined) {
    response.writeHead(404, ISOLATION).end();
    return;
  }
  response.writeHead(200, { ...ISOLATION, 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': size });
  await new Promise<void>((resolve, reject) => createReadStream(file).on('error', reject).pipe(response).on('close', resolve));
}
