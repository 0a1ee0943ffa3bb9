import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { calibrationTableOf, sequencesOf, tinyModelFile } from '../../../tests/support/calibration.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../../../tests/support/default-model.ts';
import { CALIBRATION_CORPUS_SHA256 } from './calibration-corpus.ts';
import { DEFAULT_MODEL } from './default-model.ts';
import { publishedCalibration } from './published-calibration.ts';
import type { TinyLlama } from '../../../tests/support/tiny-llama.ts';

async function setup(overrides: Partial<TinyLlama> = {}): Promise<string> {
  const { folder, path } = await tinyModelFile(overrides);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return path;
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

test('a model whose rows overflow is refused with boundary, position and value', async () => {
  const overflowing = await setup({
    tensors: (all) => all.map((item) => (item.name === 'blk.1.ffn_down.weight' ? { ...item, data: new Uint8Array(new Float32Array(item.data.length / 4).fill(3e38).buffer) } : item)),
  });
  await expect(calibrationTableOf(overflowing)).rejects.toMatchObject({
    code: 'calibration-refused',
    fields: { boundary: 2, position: 0 },
    message: expect.stringContaining('which is not a finite number'),
  });
});

test('a table of the first layers equals the beginning of the whole table', async () => {
  const path = await setup();
  const [whole, part] = [await calibrationTableOf(path), await calibrationTableOf(path, 1)];
  expect(part.exponents.subarray(0, 64)).toEqual(whole.exponents.subarray(0, 64));
  expect(part.exponents.subarray(64)).toEqual(new Int8Array(64));
});

test('the published table of the default model is for this version and has its whole size', async () => {
  const bytes = await publishedCalibration(DEFAULT_MODEL.sha256);
  expect(decodeCalibration(bytes ?? new Uint8Array())).toMatchObject({ version: 1, hidden: 576 });
  expect(await publishedCalibration('0'.repeat(64))).toBeUndefined();
});

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`the first boundaries of the published table come out again, bit for bit${NEEDS_DEFAULT_MODEL}`, async () => {
  const layers = 2;
  const published = decodeCalibration((await publishedCalibration(DEFAULT_MODEL.sha256)) ?? new Uint8Array());
  const again = await calibrationTableOf(DEFAULT_MODEL_PATH ?? '', layers);
  const entries = (layers + 1) * published.hidden;
  expect(again.exponents.subarray(0, entries)).toEqual(published.exponents.subarray(0, entries));
  expect(again.exponentsAtZero.subarray(0, entries)).toEqual(published.exponentsAtZero.subarray(0, entries));
});
