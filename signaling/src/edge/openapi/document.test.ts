import Fastify from 'fastify';
import { beforeAll, expect, it } from 'vitest';
import { addRoutes } from '../http-server.ts';
import { openApiDocument } from './document.ts';
import { OPERATIONS } from './operations.ts';
import { referencePage } from './reference-page.ts';
import { SCHEMAS } from './schemas.ts';
import type { FastifyInstance } from 'fastify';
import type { HttpDependencies } from '../http-server.ts';

let app: FastifyInstance;
const routes: string[] = [];

beforeAll(async () => {
  app = Fastify();
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) if (each !== 'HEAD' && each !== 'OPTIONS') routes.push(`${each} ${url}`);
  });
  // Rooms are asked when a request comes, and none does but for the document.
  const dependencies = { settlement: {}, escrows: {}, disputes: {}, models: { list: () => [] }, chain: { door: {}, node: 'http://127.0.0.1:1' } } as unknown as HttpDependencies;
  await addRoutes(app, dependencies, { now: () => 0 });
  await app.ready();
});

const documented = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);

it('every route under /v1 is in the document', () => {
  expect(routes.length).toBeGreaterThan(30);
  expect(routes.filter((route) => route.includes(' /v1/') && !documented.includes(route))).toEqual([]);
});

it('everything in the document is a route, once', () => {
  expect(documented.filter((route) => !routes.includes(route))).toEqual([]);
  expect(new Set(documented).size).toBe(documented.length);
});

it('the document is whole: every path parameter is described, every reference leads somewhere, every name is unique', () => {
  const document = openApiDocument();
  for (const { method, path, parameters = [] } of OPERATIONS) {
    expect(parameters.filter((each) => each.in === 'path').map(({ name }) => `:${name}`), `${method} ${path}`).toEqual(path.match(/:\w+/g) ?? []);
  }
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
  expect(refs.length).toBeGreaterThan(50);
  for (const ref of refs) expect(Object.keys(SCHEMAS).map((name) => `#/components/schemas/${name}`)).toContain(ref);
  const names = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((operation) => (operation as { operationId: string }).operationId));
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('postV1ChatCompletions');
});

it('limits of a request are in its schema', () => {
  expect(openApiDocument().components.schemas).toMatchObject({
    ChatRequest: { type: 'object', required: ['model', 'messages'], properties: { temperature: { anyOf: [{ type: 'number', minimum: 0, maximum: 2 }, { type: 'null' }] }, messages: { minItems: 1, maxItems: 1024 } } },
    ResponseRequest: { properties: { input: { anyOf: [{ type: 'string' }, { type: 'array' }] } } },
  });
});

it('the document is served, and its page runs no script and takes nothing from elsewhere', async () => {
  const [document, page, style] = await Promise.all(['/openapi.json', '/docs', '/docs.css'].map((url) => app.inject({ url, headers: { accept: 'text/html' } })));
  expect(document?.json()).toMatchObject({ openapi: '3.1.0', paths: { '/v1/chat/completions': { post: {} }, '/v1/jobs/{id}': { get: {} } } });
  expect(page?.headers['content-security-policy']).toBe("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  expect(page?.body).not.toMatch(/<script|style=|\son\w+=|https?:\/\//);
  expect(style?.headers['content-type']).toBe('text/css; charset=utf-8');
  const ids = new Set([...(page?.body ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  for (const [, target] of (page?.body ?? '').matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
});

it('what a route says of itself is text on the page, never markup', () => {
  const document = openApiDocument();
  expect(referencePage({ ...document, info: { ...document.info, description: '<b>"x"</b> & `code`' } })).toContain('&lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; <code>code</code>');
});
