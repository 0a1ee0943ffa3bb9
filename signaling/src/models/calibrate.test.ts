import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { calibrationOf, sequencesOf, tinyModelFile } from '../../../tests/support/calibration.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../../../tests/support/default-model.ts';
import { CALIBRATION_CORPUS_SHA256, CALIBRATION_VERSION } from './calibration-corpus.ts';
import { DEFAULT_MODEL } from './default-model.ts';
import { publishedCalibration } from './published-calibration.ts';
import type { TinyLlama } from '../../../tests/support/tiny-llama.ts';
import type { WriterTensor } from '../../../tests/support/gguf-writer.ts';

async function setup(overrides: Partial<TinyLlama> = {}): Promise<string> {
  const { folder, path } = await tinyModelFile(overrides);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return path;
}

/** Other values for the tensors whose name matches. */
function changed(pattern: RegExp, change: (value: number) => number): Partial<TinyLlama> {
  const map = (tensor: WriterTensor): WriterTensor => (pattern.test(tensor.name) ? { ...tensor, data: new Uint8Array(new Float32Array(tensor.data.slice().buffer).map(change).buffer) } : tensor);
  return { tensors: (all) => all.map(map) };
}

test('the corpus is the one that the version stands for', async () => {
  const corpus = await readFile(new URL('calibration-corpus.txt', import.meta.url));
  expect(createHash('sha256').update(corpus).digest('hex')).toBe(CALIBRATION_CORPUS_SHA256);
});

test('the corpus starts with at least 64 different tokens, and keeps some sequences out of the scales', async () => {
  const sequences = await sequencesOf(await setup());
  const scaled = sequences.filter((sequence) => !sequence.heldOut);
  expect(new Set(scaled.map((sequence) => sequence.ids[0])).size).toBeGreaterThanOrEqual(64);
  expect(sequences.length - scaled.length).toBeGreaterThanOrEqual(8);
});

test('tau is four times the largest honest error, at least 2^-12, and delta four times the largest logit difference, at least 2^-15 of the logits (PROTOCOL 5, A7)', async () => {
  const { table, findings } = await calibrationOf(await setup());
  expect({ tau: table.tauExponent, tauAtZero: table.tauExponentAtZero }).toEqual({ tau: -12, tauAtZero: -12 });
  expect(findings.honestMax).toBeGreaterThan(0);
  expect(4 * findings.honestMax).toBeLessThanOrEqual(2 ** -12);
  const delta = 2 ** table.deltaExponent;
  expect(delta).toBeGreaterThanOrEqual(Math.max(4 * findings.logitDifference, 2 ** -15 * findings.logitRms));
  expect(delta / 2).toBeLessThan(Math.max(4 * findings.logitDifference, 2 ** -15 * findings.logitRms));
});

test('a model of two layers has two stages, each with its honest and its 8-bit errors', async () => {
  const { findings } = await calibrationOf(await setup());
  expect(findings.stages.map(({ from, to, boundary }) => ({ from, to, boundary }))).toEqual([{ from: 0, to: 1, boundary: 1 }, { from: 1, to: 2, boundary: 3 }]);
  for (const { honest, requantised, requantisedPast8Tau } of findings.stages) {
    expect(requantised.p50).toBeGreaterThan(honest.max);
    expect(requantisedPast8Tau).toBeGreaterThan(0.3);
  }
});

test('a model whose rows overflow is refused with boundary, position and value', async () => {
  await expect(calibrationOf(await setup(changed(/blk\.1\.ffn_down/, () => 3e38)))).rejects.toMatchObject({
    code: 'calibration-refused',
    fields: { boundary: 2, position: 0 },
    message: expect.stringContaining('which is not a finite number'),
  });
});

test('a model that 8 bits hold as well as 32 is refused with the stage and the share', async () => {
  await expect(calibrationOf(await setup(changed(/blk.*(attn_[qkvo]|ffn_(up|down|gate))/, (value) => (value < 0 ? -0.125 : 0.125))))).rejects.toMatchObject({
    code: 'calibration-refused',
    fields: { boundary: 1, from: 0, to: 1, tauExponent: -12 },
    message: expect.stringContaining('differ by more than 8 tau'),
  });
});

test('a table of the first layers equals the beginning of the whole table', async () => {
  const path = await setup();
  const [whole, part] = [(await calibrationOf(path)).table, (await calibrationOf(path, { layers: 1 })).table];
  expect(part.exponents.subarray(0, 64)).toEqual(whole.exponents.subarray(0, 64));
  expect(part.exponents.subarray(64)).toEqual(new Int8Array(64));
});

test('the published table of the default model is for this version and has its whole size', async () => {
  const bytes = await publishedCalibration(DEFAULT_MODEL.sha256);
  expect(decodeCalibration(bytes ?? new Uint8Array())).toMatchObject({ version: CALIBRATION_VERSION, hidden: 576, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -11 });
  expect(await publishedCalibration('0'.repeat(64))).toBeUndefined();
});

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`the first boundaries of the published table come out again, bit for bit${NEEDS_DEFAULT_MODEL}`, async () => {
  const layers = 2;
  const published = decodeCalibration((await publishedCalibration(DEFAULT_MODEL.sha256)) ?? new Uint8Array());
  const { table } = await calibrationOf(DEFAULT_MODEL_PATH ?? '', { layers });
  const entries = (layers + 1) * published.hidden;
  expect(table.exponents.subarray(0, entries)).toEqual(published.exponents.subarray(0, entries));
  expect(table.exponentsAtZero.subarray(0, entries)).toEqual(published.exponentsAtZero.subarray(0, entries));
}, 20_000);
