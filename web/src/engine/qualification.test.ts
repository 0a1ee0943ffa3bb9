import { expect, test } from 'vitest';
import { qualify, QUALIFICATION_TOLERANCE } from './qualification.ts';
import { createSession } from './ort.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { EngineSession } from './ort.ts';
import type { SessionFactory } from './qualification.ts';

/** The shape of SmolLM2-135M; qualification keeps its head width and grouping. */
const architecture: Architecture = {
  family: 'llama', layers: 30, hidden: 576, heads: 9, kvHeads: 3, headDim: 64, feedForward: 1536, vocabulary: 49152,
  context: 8192, ropeBase: 100_000, normEpsilon: 1e-5, tiedHead: true,
};

/** A provider that is right except for what `spoil` does to the residual rows of the n-th run. */
function faulty(spoil: (rows: Float32Array, run: number) => void): SessionFactory {
  return async (provider, graph, weight) => {
    const session = await createSession(provider, graph, weight);
    let run = 0;
    const spoiled: EngineSession = {
      weightBytes: session.weightBytes,
      release: () => session.release(),
      run: async (feeds) => {
        const outputs = await session.run(feeds);
        if (outputs['rows']) spoil(outputs['rows'], run++);
        return outputs;
      },
    };
    return spoiled;
  };
}

test('WASM qualifies with an error far below the tolerance', async () => {
  const result = await qualify('wasm', architecture);
  expect(result.failure).toBeUndefined();
  expect(result.boundaries.map(({ boundary }) => boundary)).toEqual(['residual rows', 'final-norm rows', 'logits']);
  for (const { errorOfScale } of result.boundaries) expect(errorOfScale).toBeLessThan(QUALIFICATION_TOLERANCE / 32);
  expect(result.eligible).toBe(true);
});

test('one value off by a thousandth of the scale, in one late step, is found', async () => {
  const result = await qualify('wasm', architecture, faulty((rows, run) => {
    if (run === 11) rows[5] = (rows[5] ?? 0) + 4e-3;
  }));
  expect(result.eligible).toBe(false);
  expect(result.boundaries[0]?.position).toBe(64);
});

test('a value that is not a number is found', async () => {
  const result = await qualify('wasm', architecture, faulty((rows) => rows.fill(NaN, 0, 1)));
  expect(result.eligible).toBe(false);
  expect(result.boundaries[0]?.errorOfScale).toBe(Infinity);
});

test('a provider that cannot start is not eligible and says why', async () => {
  const result = await qualify('wasm', architecture, () => Promise.reject(new Error('no adapter')));
  expect(result).toMatchObject({ eligible: false, failure: 'no adapter' });
});
