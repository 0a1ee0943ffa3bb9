import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { browserInState, browserStatus } from '../support/browser-status.ts';
import { selfSignedCertificate } from '../support/network-certificate.ts';
import { openNamespace } from '../support/network-namespace.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { startProgram } from '../support/network-program.ts';
import { readyDatabase } from '../support/ready-database.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { Certificate } from '../support/network-certificate.ts';
import type { NetworkNamespace } from '../support/network-namespace.ts';

const browser = await browserHere();
let folder: string;
let namespace: NetworkNamespace | { readonly missing: string };
let certificate: Certificate | undefined;
/** The machine's browser, run on the other side of the cable. */
let farBrowser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-https-'));
  namespace = await openNamespace();
  if ('missing' in namespace || browser === undefined) return;
  certificate = await selfSignedCertificate(folder, namespace.hostAddress);
  farBrowser = { ...browser, path: await namespace.wrap(browser.path, folder) };
});
beforeEach((test) => {
  needBrowser(test, browser);
  if ('missing' in namespace) test.skip(namespace.missing);
  if (certificate === undefined) test.skip('no openssl to make a certificate with: apt-get install openssl');
});
afterAll(async () => {
  if (!('missing' in namespace)) await namespace[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** What the tests below go on with once nothing was skipped. */
function made(): { namespace: NetworkNamespace; certificate: Certificate } {
  if ('missing' in namespace || certificate === undefined) throw new Error('The test should have been skipped.');
  return { namespace, certificate };
}

it('a browser of another machine joins over HTTPS at an address that is not loopback, and becomes ready', async (test) => {
  const { namespace: { hostAddress }, certificate: { certFile, keyFile } } = made();
  await using program = startProgram(['start', '--volunteers', '0', '--stages', '1', '--data', await readyDatabase(join(folder, 'https'))], {
    PORT: '0',
    CIRO_TLS_CERT: certFile,
    CIRO_TLS_KEY: keyFile,
    PUBLIC_URL: `https://${hostAddress}:8443`,
  });
  const [, port = ''] = await program.printed(/coordinator at https:\/\/[^\s:]+:(\d+)/);
  await using volunteers = await launchVolunteers({ browser: farBrowser, url: `https://${hostAddress}:${port}/`, count: 1, engine: 'wasm', ignoreCertificate: true, signal: new AbortController().signal });
  reportPages(test, volunteers);
  const [page] = volunteers.pages;
  if (page === undefined) throw new Error('no page');
  expect(await page.evaluate('isSecureContext')).toBe(true);
  const status = await browserInState(page, 'ready', 'serving', 'error');
  expect(status.state).toMatchObject({ kind: 'ready', layers: [0, 30] });
  expect((await browserStatus(page)).bytes.downloaded).toBeGreaterThan(90_000_000);
});

it('over plain HTTP at that address it is shown what is wrong and how to mend it, and nothing is loaded', async (test) => {
  const { namespace: { hostAddress } } = made();
  await using program = startProgram(['start', '--volunteers', '0', '--stages', '1', '--data', await readyDatabase(join(folder, 'http'))], { PORT: '0' });
  const [, port = ''] = await program.printed(/coordinator at http:\/\/[^\s:]+:(\d+)/);
  await using volunteers = await launchVolunteers({ browser: farBrowser, url: `http://${hostAddress}:${port}/`, count: 1, engine: 'wasm', signal: new AbortController().signal });
  reportPages(test, volunteers);
  const [page] = volunteers.pages;
  if (page === undefined) throw new Error('no page');
  expect(await page.evaluate('isSecureContext')).toBe(false);
  expect(await page.title()).toBe('Ciro needs a secure address');
  const text = await page.innerText('main');
  for (const words of [`http://${hostAddress}:${port}`, `http://localhost:${port}/`, 'CIRO_TLS_CERT', 'CIRO_TLS_KEY', 'PUBLIC_URL']) expect(text).toContain(words);
  expect(await page.evaluate('performance.getEntriesByType("resource").length')).toBe(0);
  expect(await page.evaluate('globalThis.ciro')).toBeUndefined();
});
