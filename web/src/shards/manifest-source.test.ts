import { expect, test } from 'vitest';
import { toBase64, toHex } from '@ciro/core/bytes.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { fetchManifest } from './manifest-source.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

const BASE = 'https://ciro.test/';
const forever = new AbortController().signal;

function tinyManifest(): ModelManifest {
  const file = tinyLlamaGguf();
  const parsed = parseGguf(file, file.length);
  if (parsed.kind !== 'header') throw new Error('the tiny file has its header at the front');
  const { architecture, shards } = planImport(parsed.header);
  const count = (architecture.layers + 2) * architecture.hidden;
  const table = encodeCalibration({ version: 1, hidden: architecture.hidden, exponents: new Int8Array(count), exponentsAtZero: new Int8Array(count), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 });
  return {
    format: 1,
    name: 'tiny',
    licence: 'mit',
    file: { name: 'tiny.gguf', sha256: toHex(sha256(file)), bytes: file.length },
    architecture,
    shards: shards.map((shard) => ({ ...shard, sha256: toHex(sha256(file.subarray(shard.ranges[0]?.offset))) })),
    stopIds: [0],
    calibration: { sha256: toHex(sha256(table)), base64: toBase64(table) },
  };
}

const manifest = tinyManifest();
const id = modelIdOf(manifest);
const serve = (value: unknown) => (url: string) => Promise.resolve(url === `${BASE}models/${id}/manifest` ? new Response(typeof value === 'string' ? value : JSON.stringify(value)) : new Response(null, { status: 404 }));

test('the manifest that an id stands for is fetched and parsed', async () => {
  expect(await fetchManifest(serve(manifest), BASE, id, forever)).toEqual(manifest);
});

test.each([
  ['another model', 'wrong-model', { ...manifest, name: 'other' }],
  ['no manifest', 'bad-manifest', { ...manifest, shards: [] }],
  ['no JSON', 'wrong-model', '<html>'],
])('%s instead of it is refused as %s', async (_what, code, value) => {
  await expect(fetchManifest(serve(value), BASE, id, forever)).rejects.toMatchObject({ code, fault: 'peer' });
});

test('a model that is not served, or no coordinator, is said by code', async () => {
  await expect(fetchManifest(serve(manifest), BASE, 'cd'.repeat(32), forever)).rejects.toMatchObject({ code: 'http-status', fields: { status: 404 } });
  await expect(fetchManifest(() => Promise.reject(new TypeError('Failed to fetch')), BASE, id, forever)).rejects.toMatchObject({ code: 'unreachable' });
  const gone = AbortSignal.abort();
  await expect(fetchManifest((_url, init) => Promise.reject(init.signal?.reason), BASE, id, gone)).rejects.toMatchObject({ code: 'aborted' });
});
