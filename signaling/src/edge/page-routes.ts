import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { TLSSocket } from 'node:tls';
import fastifyStatic from '@fastify/static';
import { insecurePage } from './insecure-page.ts';
import { isSecureOrigin } from './secure-origin.ts';
import { INSECURE_PAGE_POLICY, PAGE_HEADERS, policyWith } from './security-headers.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Folders of the build where a path never changes its content: names with a hash, and the runtime under its version. */
const LASTING_FOLDERS = ['assets', 'ort'];

export interface PageOptions {
  /** The built page; without it only the API is served. */
  readonly webDist?: string;
  readonly publicUrl?: URL;
  /** Addresses of public model files that pages may fetch from. */
  readonly publicFiles?: readonly string[];
}

/** The built page from `webDist`, precompressed; on an insecure origin the page that says how to get a secure one. */
export async function pageRoutes(app: FastifyInstance, { webDist, publicUrl, publicFiles = [] }: PageOptions): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    if (!wantsPage(request)) return;
    const encrypted = request.raw.socket instanceof TLSSocket;
    if (isSecureOrigin({ headers: request.headers, encrypted }, publicUrl)) return;
    const { localPort = 0 } = request.raw.socket;
    await reply.header('content-security-policy', INSECURE_PAGE_POLICY).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(insecurePage(request.headers.host ?? 'this address', localPort));
  });
  if (webDist === undefined || !existsSync(join(webDist, 'index.html'))) return;
  const policy = policyWith(publicFiles, publicUrl);
  await app.register(fastifyStatic, {
    root: webDist,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const lasting = LASTING_FOLDERS.some((folder) => path.startsWith(join(webDist, folder) + sep));
      reply.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
      for (const [name, value] of Object.entries(PAGE_HEADERS)) reply.header(name, value);
      reply.header('content-security-policy', policy);
    },
  });
}

/** A browser on its way to a page, rather than a program, a script or a style. */
export function wantsPage(request: Pick<FastifyRequest, 'method' | 'headers' | 'url'>): boolean {
  const { method, headers, url } = request;
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html') && !/^\/(v1|docs|openapi\.json|models|health|ready|metrics|line|socket)([/?]|$)/.test(url);
}

/** Shown for an address that does not exist, to a browser. */
export const NOT_FOUND_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not here · Ciro</title>
<style>:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-content:center;gap:.5rem;padding:1.5rem;font:1rem/1.6 system-ui,sans-serif;text-align:center}h1{margin:0;font-size:1.6rem}p{margin:0}</style>
<h1>There is nothing at this address</h1>
<p><a href="/">Go to Ciro</a></p>
</html>
`;
