import { openApiDocument } from './openapi/document.ts';
import { REFERENCE_STYLE, referencePage } from './openapi/reference-page.ts';
import type { FastifyInstance } from 'fastify';
import type { OpenApiDocument } from './openapi/document.ts';

/** No script, no inline style, nothing of another site. */
const PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** Changes with the coordinator's version only. */
const CACHE = 'no-cache';

/** `GET /openapi.json` (what this coordinator serves, as OpenAPI 3.1), `GET /docs` (the same to read, without script) and its style. */
export function docsRoutes(app: FastifyInstance): void {
  // Made when it is first asked for: by then every route is there.
  let made: { readonly document: OpenApiDocument; readonly page: string } | undefined;
  const all = (): NonNullable<typeof made> => {
    if (made !== undefined) return made;
    const document = openApiDocument(({ method, path }) => app.hasRoute({ method: method.toUpperCase(), url: path }));
    return (made = { document, page: referencePage(document) });
  };

  app.get('/openapi.json', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*').header('cache-control', CACHE).type('application/json; charset=utf-8');
    return all().document;
  });
  app.get('/docs', async (_request, reply) => reply.header('content-security-policy', PAGE_POLICY).header('cache-control', CACHE).type('text/html; charset=utf-8').send(all().page));
  app.get('/docs.css', async (_request, reply) => reply.header('cache-control', CACHE).type('text/css; charset=utf-8').send(REFERENCE_STYLE));
}
