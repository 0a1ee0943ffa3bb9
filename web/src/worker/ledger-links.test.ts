import { expect, test } from 'vitest';
import { fetchLinks } from './ledger-links.ts';

const link = (sequence: number) => ({ sequence, previous: 'a'.repeat(64), content: 'b'.repeat(64), hash: 'c'.repeat(64) });
const answering = (body: BodyInit | null, init: ResponseInit = {}) => {
  const urls: string[] = [];
  const fetch = async (url: string): Promise<Response> => {
    urls.push(url);
    return new Response(body, init);
  };
  return { urls, ask: () => fetchLinks(fetch, 'https://ciro.test/', 4, 6) };
};

test('B2: links are asked for by the numbers of two entries and read from the list that comes', async () => {
  const { urls, ask } = answering(JSON.stringify({ object: 'list', from: 4, to: 6, data: [link(5), link(6)] }));
  expect(await ask()).toEqual({ links: [link(5), link(6)] });
  expect(urls).toEqual(['https://ciro.test/v1/ledger/links?from=4&to=6']);
});

test.each([
  ['a list of something else', JSON.stringify({ data: [{ ...link(5), content: 'x' }] })],
  ['no list', JSON.stringify({ links: [] })],
  ['no JSON', '<html>'],
  ['no text', new Uint8Array([0xff, 0xfe])],
])('an answer that is %s is a refusal', async (_what, body) => {
  expect(await answering(body).ask()).toEqual({ refused: expect.any(String) });
});

test.each([400, 403, 404, 410])('HTTP %i is a refusal', async (status) => {
  expect(await answering('', { status }).ask()).toEqual({ refused: `the coordinator answered ${status}` });
});

test.each([408, 429, 500, 503])('HTTP %i proves nothing: it is asked again another time', async (status) => {
  await expect(answering('', { status }).ask()).rejects.toThrow(String(status));
});

test('an answer that is longer than the links can be is not read to its end, and is a refusal', async () => {
  expect(await answering('x'.repeat(10_000)).ask()).toEqual({ refused: expect.stringContaining('more than') });
});
