import { expect, test } from 'vitest';
import { chooseProvider, refusalOf } from './choose-provider.ts';
import { qualify } from './qualification.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { Qualification } from './qualification.ts';

const architecture: Architecture = {
  family: 'llama', layers: 4, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, feedForward: 128, vocabulary: 512,
  context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};

test('auto without a GPU takes WASM, qualified and measured', async () => {
  const { profile, qualifications } = await chooseProvider('auto', architecture, new AbortController().signal);
  expect(profile.provider).toBe('wasm');
  expect(qualifications.map(({ provider, eligible }) => ({ provider, eligible }))).toEqual([{ provider: 'wasm', eligible: true }]);
  for (const figure of [profile.layerMs, profile.layerMs16, profile.headMs]) expect(figure).toBeGreaterThan(0);
});

test('a provider that the browser does not offer is refused with the reason', async () => {
  await expect(chooseProvider('webgpu', architecture, new AbortController().signal)).rejects.toMatchObject({
    code: 'provider-unavailable',
    message: 'No provider can serve here: webgpu is not offered by this browser. Choose another engine or device.',
  });
});

test('an aborted choice measures nothing', async () => {
  await expect(chooseProvider('auto', architecture, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

const gpu = { requestAdapter: async () => ({ info: {} }) };
const wrongGpu: Qualification = { provider: 'webgpu', eligible: false, operators: [{ operator: 'Softmax', errorOfScale: 0.25, tokens: 5 }], boundaries: [{ boundary: 'residual rows', errorOfScale: 0.125, position: 64 }] };

test.each(['auto', 'webgpu'] as const)('a GPU that computes wrongly is not used: %s falls back to WASM and keeps the reason', async (choice) => {
  const tried: string[] = [];
  const { profile, qualifications } = await chooseProvider(choice, architecture, new AbortController().signal, {
    gpu,
    qualify: (provider, model) => {
      tried.push(provider);
      return provider === 'webgpu' ? Promise.resolve(wrongGpu) : qualify(provider, model);
    },
  });
  expect(profile.provider).toBe('wasm');
  expect(tried.toSorted()).toEqual(['wasm', 'webgpu']);
  expect(qualifications.filter(({ eligible }) => !eligible).map(refusalOf)).toEqual(['error 2.5e-1 of scale in operator Softmax']);
});

test('a device on which nothing computes rightly serves nothing, and says why of each', async () => {
  const choosing = chooseProvider('webgpu', architecture, new AbortController().signal, { gpu, qualify: async (provider) => (provider === 'webgpu' ? wrongGpu : { provider, eligible: false, operators: [], boundaries: [], failure: 'no memory' }) });
  await expect(choosing).rejects.toMatchObject({ code: 'provider-unavailable', message: expect.stringContaining('webgpu: error 2.5e-1 of scale in operator Softmax; wasm: no memory') });
});
