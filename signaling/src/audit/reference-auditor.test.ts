import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NO_ID, payloadWithIds } from '@ciro/core/commitment/unit-hashes.ts';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import { tinyLlamaGguf, TINY_VOCABULARY } from '../../../tests/support/tiny-llama.ts';
import { importModel } from '../models/import-model.ts';
import { openReferenceHead, openReferenceLayers } from '../models/reference-run.ts';
import { readShard } from '../models/shard-reader.ts';
import { systemClock } from '../sessions/clock.ts';
import { ReferenceAuditor } from './reference-auditor.ts';
import type { ReferenceTask } from './ports.ts';

const HIDDEN = 32;
const LAYERS = 2;
const MODEL = 'ab'.repeat(32) as HexHash;
const PROMPT = 18;
const POSITIONS = 24;
/** Where the rows of a first stage are pushed. */
const TURNED = 20;
const sampling = { sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 }, promptTokens: PROMPT };
const signal = new AbortController().signal;
const bytesOf = (values: Float32Array | Uint32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

let folder: string;
let path: string;
let manifest: ModelManifest;
/** What the model gives, layer by layer, in this process. */
const expected: { ids: Uint32Array; middle: Float32Array; final: Float32Array; payload: Uint8Array; drawn: Uint32Array; pushed: Float32Array; turned: Uint32Array } = { ids: new Uint32Array(), middle: new Float32Array(), final: new Float32Array(), payload: new Uint8Array(), drawn: new Uint32Array(), pushed: new Float32Array(), turned: new Uint32Array() };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-reference-'));
  path = join(folder, 'tiny.gguf');
  await writeFile(path, tinyLlamaGguf({ layers: LAYERS, hidden: HIDDEN, tiedHead: false }));
  const rows = new Int8Array((LAYERS + 2) * HIDDEN);
  ({ manifest } = await importModel(path, { cache: join(folder, 'cache'), calibrate: async () => encodeCalibration({ version: 1, hidden: HIDDEN, exponents: rows, exponentsAtZero: rows, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 }) }));
  const read = (name: string): Promise<Uint8Array> => {
    const shard = manifest.shards.find((each) => each.name === name);
    if (shard === undefined) throw new Error(`no shard ${name}`);
    return readShard(path, shard);
  };
  expected.ids = Uint32Array.from({ length: POSITIONS }, (_, index) => (index * 37 + 5) % TINY_VOCABULARY);
  const through = async (from: number, to: number, heads: boolean, rowsIn: Float32Array): Promise<Float32Array> => {
    const layers = await openReferenceLayers(manifest, read, { from, to, heads, embeds: false });
    const [out] = await layers.run([rowsIn]);
    await layers.release();
    return out ?? new Float32Array();
  };
  expected.middle = await through(0, 1, false, new EmbeddingTable(manifest, await read('embedding')).rows(expected.ids));
  expected.final = await through(2, 2, true, await through(1, 2, false, expected.middle));
  const head = await openReferenceHead(manifest, read);
  const drawnFrom = async (final: Float32Array): Promise<Uint32Array> => {
    const drawn = new Uint32Array(POSITIONS).fill(NO_ID);
    for (let position = PROMPT - 1; position < POSITIONS; position++) drawn[position] = greedy(await head.logits(final.slice(position * HIDDEN, (position + 1) * HIDDEN)));
    return drawn;
  };
  expected.drawn = await drawnFrom(expected.final);
  // Rows that the first stage could have handed on instead, and what an honest second one makes of them.
  expected.pushed = expected.middle.map((value, index) => (Math.floor(index / HIDDEN) === TURNED ? -value : value));
  expected.turned = await drawnFrom(await through(2, 2, true, await through(1, 2, false, expected.pushed)));
  await head.release();
  expected.payload = payloadWithIds(bytesOf(expected.final), bytesOf(expected.drawn));
});
const DAMAGED = 'cd'.repeat(32) as HexHash;

function setup(options: ConstructorParameters<typeof ReferenceAuditor>[1] = {}): ReferenceAuditor {
  return new ReferenceAuditor({ clock: systemClock, models: (id) => (id === MODEL ? { path, manifest } : id === DAMAGED ? { path: `${path}.damaged`, manifest } : undefined) }, options);
}

/** Starting a process takes most of a second: tests that need not end it share one. */
const shared = setup();
afterAll(async () => {
  shared.close();
  await rm(folder, { recursive: true, force: true });
});

const first = (): ReferenceTask => ({ modelId: MODEL, layers: [0, 1], positions: POSITIONS, inputs: bytesOf(expected.ids) });
const last = (payload = expected.payload): ReferenceTask => ({ modelId: MODEL, layers: [1, 2], positions: POSITIONS, inputs: bytesOf(expected.middle), check: { payload, sampling } });

it('D3: a stage run in its own process gives the bits of the reference run, from ids or from rows, and the ids are right', async () => {
  const [one, two] = await Promise.all([shared.run(first(), signal), shared.run(last(), signal)]);
  expect(bytesOf(one.rows)).toEqual(bytesOf(expected.middle));
  expect(one.ids).toBeNull();
  expect(bytesOf(two.rows)).toEqual(bytesOf(expected.final));
  expect(two.ids).toEqual({ checked: POSITIONS - PROMPT + 1, ambiguous: 0, wrong: [] });
});

it('A7: an id that the auditor\'s own row does not give is found, whatever row was committed to', async () => {
  const drawn = Uint32Array.from(expected.drawn);
  drawn[20] = ((drawn[20] ?? 0) + 1) % TINY_VOCABULARY;
  const { ids } = await shared.run(last(payloadWithIds(bytesOf(expected.final), bytesOf(drawn))), signal);
  expect(ids).toMatchObject({ checked: POSITIONS - PROMPT + 1, wrong: [{ position: 20, id: drawn[20] }] });
  const pushed = expected.final.map((value) => -value);
  const { ids: none } = await shared.run(last(payloadWithIds(bytesOf(pushed), bytesOf(expected.drawn))), signal);
  expect(none).toMatchObject({ checked: POSITIONS - PROMPT + 1, wrong: [] });
});

const followed = (payload: Float32Array, ids: Uint32Array): ReferenceTask => ({ ...first(), follow: { payload: bytesOf(payload), ids, sampling } });

it('A10: an id that the committed rows of a stage give and the reference\'s own do not was turned by it', async () => {
  expect(expected.turned[TURNED]).not.toBe(expected.drawn[TURNED]);
  const { rows, ids } = await shared.run(followed(expected.pushed, expected.turned), signal);
  expect(bytesOf(rows)).toEqual(bytesOf(expected.middle));
  expect(ids).toMatchObject({ checked: POSITIONS - PROMPT + 1, wrong: expect.arrayContaining([{ position: TURNED, id: expected.turned[TURNED], gap: expect.any(Number) }]) });
});

it('A10: an id that neither rows give is not this stage\'s; ids that both give are right, and rows that are not near are not followed', async () => {
  const made = Uint32Array.from(expected.drawn, (id, position) => (position === PROMPT ? (id + 1) % TINY_VOCABULARY : id));
  // Only the last row is moved: all ids but its own follow from both.
  const near = expected.middle.map((value, index) => (index >= (POSITIONS - 1) * HIDDEN ? value + 2 ** -13 : value));
  expect((await shared.run(followed(near, made), signal)).ids).toMatchObject({ checked: POSITIONS - PROMPT + 1, wrong: [] });
  expect((await shared.run(followed(near, expected.drawn), signal)).ids).toMatchObject({ wrong: [] });
  expect((await shared.run(followed(expected.middle, expected.turned), signal)).ids).toBeNull();
});

it('the process is kept for the next run, and ends when it had none for a while or has grown', async () => {
  const auditor = setup({ idleMs: 40 });
  await auditor.run(first(), signal);
  const { pid } = auditor;
  await auditor.run(first(), signal);
  expect([pid !== undefined, auditor.pid]).toEqual([true, pid]);
  await expect.poll(() => auditor.pid).toBeUndefined();
  const grown = setup({ maxRssBytes: 1 });
  await grown.run(first(), signal);
  expect(grown.pid).toBeUndefined();
});

it('a run that is called off, or whose process dies, ends with it; the next one starts another', async () => {
  const auditor = setup();
  onTestFinished(() => auditor.close());
  const stop = new AbortController();
  const running = auditor.run(first(), stop.signal);
  const waiting = auditor.run(first(), signal);
  await expect.poll(() => auditor.pid).toBeDefined();
  stop.abort(new Error('nobody waits'));
  await expect(running).rejects.toThrow('nobody waits');
  expect(bytesOf((await waiting).rows)).toEqual(bytesOf(expected.middle));
  const dying = auditor.run(first(), signal);
  await new Promise((resolve) => setImmediate(resolve));
  if (auditor.pid !== undefined) process.kill(auditor.pid, 'SIGKILL');
  await expect(dying).rejects.toMatchObject({ code: 'reference-failed', message: expect.stringContaining('SIGKILL') });
  await expect(auditor.run({ ...first(), modelId: 'ef'.repeat(32) as HexHash }, signal)).rejects.toMatchObject({ code: 'unknown-model' });
});

it('D1: a shard that does not hash right is not used', async () => {
  const bytes = await readFile(path);
  const at = manifest.shards.find(({ name }) => name === 'layer-0')?.ranges[0]?.offset ?? 0;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(`${path}.damaged`, bytes);
  await expect(shared.run({ ...first(), modelId: DAMAGED }, signal)).rejects.toMatchObject({ code: 'reference-failed', message: expect.stringContaining('shard layer-0 hashes to') });
  expect(bytesOf((await shared.run(first(), signal)).rows)).toEqual(bytesOf(expected.middle));
});
