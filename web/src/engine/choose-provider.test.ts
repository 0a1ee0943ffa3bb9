import { expect, test } from 'vitest';
import { chooseProvider } from './choose-provider.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';

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
