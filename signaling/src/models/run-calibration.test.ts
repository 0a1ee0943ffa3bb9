import { rm } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { calibrationOf, tinyModelFile } from '../../../tests/support/calibration.ts';
import { measureCalibration, runCalibration } from './run-calibration.ts';
import type { TinyLlama } from '../../../tests/support/tiny-llama.ts';

async function setup(overrides: Partial<TinyLlama> = {}): Promise<string> {
  const { folder, path } = await tinyModelFile(overrides);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return path;
}

test('a calibration in its own process gives the bits of one in this process, told boundary by boundary', async () => {
  const path = await setup();
  const boundaries: string[] = [];
  const { encoded, findings } = await measureCalibration(path, { onBoundary: (done, total) => boundaries.push(`${done}/${total}`) });
  expect(boundaries).toEqual(['1/4', '2/4', '3/4', '4/4']);
  const table = decodeCalibration(encoded);
  expect({ table, findings }).toEqual(await calibrationOf(path));
  expect({ tau: table.tauExponent, tauAtZero: table.tauExponentAtZero, entries: table.exponents.length }).toEqual({ tau: -12, tauAtZero: -12, entries: 4 * 32 });
  expect(table.exponents.every((exponent) => exponent > -10 && exponent < 10)).toBe(true);
});

test('a refusal keeps its code and fields on the way out of the process', async () => {
  const nan = setup({
    tensors: (all) => all.map((item) => (item.name === 'token_embd.weight' ? { ...item, data: new Uint8Array(new Float32Array(item.data.length / 4).fill(NaN).buffer) } : item)),
  });
  await expect(runCalibration(await nan)).rejects.toMatchObject({ code: 'calibration-refused', fields: { boundary: 0, position: 0, channel: 0 } });
});

test('a calibration that is given up ends with the reason', async () => {
  const controller = new AbortController();
  const path = await setup();
  const running = runCalibration(path, { signal: controller.signal, onBoundary: () => controller.abort(new Error('the operator left')) });
  await expect(running).rejects.toThrow('the operator left');
});

test('a file that is gone fails with its name', async () => {
  await expect(runCalibration('/nowhere/model.gguf')).rejects.toMatchObject({ code: 'calibration-failed', message: expect.stringContaining('/nowhere/model.gguf') });
});
