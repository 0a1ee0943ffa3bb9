/** The cheats are what they are called: a cheat that does nothing, or too much, would prove nothing. */
import { rm } from 'node:fs/promises';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { toHex } from '@ciro/core/bytes.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { openGguf } from '@ciro/signaling/models/gguf-file.ts';
import { provisionalManifest } from '@ciro/signaling/models/provisional-manifest.ts';
import { readShard } from '@ciro/signaling/models/shard-reader.ts';
import { tinyModelFile } from '../support/calibration.ts';
import { isWished, PAGE_CHEATS, parseCheat } from '../support/cheating-page/page-cheats.ts';
import { changedToken, droppedToken, injectedPrompt } from '../support/cheats/changed-prompt.ts';
import { earlyExit, skippedLayer } from '../support/cheats/fewer-layers.ts';
import { permutedLayers } from '../support/cheats/other-model.ts';
import { requantise4, requantise8 } from '../support/cheats/requantise.ts';
import { withWeights } from '../support/cheats/weight-cheat.ts';
import { weightNoise } from '../support/cheats/weight-noise.ts';
import { parseCheatedJob } from '../support/run-cheated-job.ts';
import type { WeightCheat } from '../support/cheats/weight-cheat.ts';

const SEED = 7;
const LAYERS = 6;
const ids = Uint32Array.from({ length: 20 }, (_, index) => 300 + index);

/** Weights of the layers [2, 4) of a tiny model as an engine would expand them, honest and cheated. */
async function weights(cheat?: WeightCheat): Promise<(name: string) => Float32Array> {
  const { folder, path } = await tinyModelFile({ layers: LAYERS });
  try {
    const manifest = provisionalManifest(planImport((await openGguf(path)).header));
    const shape = stageShape({ from: 2, to: 4 }, LAYERS);
    const honest = {
      manifest,
      shape,
      shards: async (name: string) => {
        const shard = manifest.shards.find((each) => each.name === name);
        if (shard === undefined) throw new RangeError(name);
        return readShard(path, shard);
      },
    };
    const source = cheat === undefined ? honest : withWeights(honest, cheat);
    const shards = new Map(await Promise.all(shardsOfStage(source.manifest, shape).map(async ({ name }) => [name, await source.shards(name)] as const)));
    const all = new StageWeights(source.manifest, shape, shards);
    return (name) => all.expand(name).slice();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const hashOf = (values: Float32Array): string => toHex(sha256(new Uint8Array(values.buffer)));
const changeOf = (a: Float32Array, b: Float32Array): number => Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0) / a.reduce((sum, value) => sum + value ** 2, 0));

describe(`cheats with weights (seed ${SEED})`, () => {
  test.each([
    ['requantised to 8 bits', requantise8, 0.002, 0.01],
    ['requantised to 4 bits', requantise4, 0.03, 0.15],
    ['1 % noise', weightNoise(0.01, SEED), 0.009, 0.011],
  ])('%s: every matrix moves by what its coding loses, norms stay', async (_name, cheat, least, most) => {
    const [honest, cheated] = [await weights(), await weights(cheat)];
    for (const name of ['layer-2.qkv', 'layer-3.down']) {
      const change = changeOf(honest(name), cheated(name));
      expect(change, name).toBeGreaterThan(least);
      expect(change, name).toBeLessThan(most);
    }
    expect(hashOf(cheated('layer-2.attention_norm'))).toBe(hashOf(honest('layer-2.attention_norm')));
  });

  test('permuted layers are the right weights in the wrong place, and only inside the stage', async () => {
    const [honest, cheated] = [await weights(), await weights(permutedLayers)];
    expect(hashOf(cheated('layer-2.down'))).toBe(hashOf(honest('layer-3.down')));
    expect(hashOf(cheated('layer-3.down'))).toBe(hashOf(honest('layer-2.down')));
  });

  test('a skipped layer adds nothing to the residual stream; the others are honest', async () => {
    const [honest, cheated] = [await weights(), await weights(skippedLayer({ from: 2, to: 4 }))];
    expect(cheated('layer-3.output').every((value) => value === 0) && cheated('layer-3.down').every((value) => value === 0)).toBe(true);
    expect(hashOf(cheated('layer-2.down'))).toBe(hashOf(honest('layer-2.down')));
    const early = await weights(earlyExit({ from: 2, to: 4 }));
    expect(hashOf(early('layer-2.down'))).toBe(hashOf(honest('layer-2.down')));
  });
});

describe('cheats with the prompt', () => {
  test('change one id, drop one and keep the count, or put others in front', () => {
    const changed = changedToken(5, SEED, 1_000)(ids).ids;
    expect(changed.filter((id, index) => id !== ids[index])).toHaveLength(1);
    expect(changed[5]).toBeGreaterThanOrEqual(256);
    const dropped = droppedToken(5)(ids).ids;
    expect([...dropped.slice(0, 5), ...dropped.slice(5, 19), dropped[19]]).toEqual([...ids.slice(0, 5), ...ids.slice(6), ids[19]]);
    const injected = injectedPrompt(Uint32Array.of(1, 2))(ids);
    expect([injected.hidden, ...injected.ids]).toEqual([2, 1, 2, ...ids]);
  });
});

describe('a cheated job', () => {
  test('takes its cheat out of the flags of a job, in both spellings', () => {
    for (const flags of [['--cheat', 'requantise8@2'], ['--cheat=requantise8@2']]) {
      const { options, wish } = parseCheatedJob(['--prompt', 'Hello', ...flags, '--assurance', 'checked']);
      expect(wish).toEqual({ cheat: 'requantise8', stage: 2, stages: 3 });
      expect(options).toMatchObject({ prompt: 'Hello', assurance: 'checked' });
    }
  });

  test.each(['requantise8@4', 'requantise8@0', 'requantise9@1', 'requantise8', ''])('refuses --cheat %j by what is expected', (text) => {
    expect(() => parseCheatedJob(['--prompt', 'Hello', '--cheat', text])).toThrow(/--cheat is .*expected NAME@STAGE with a stage from 1 to 3 and one of requantise8, /);
  });

  test('is cheated by the tab that was given the wished stage, however uneven the cuts are', () => {
    const wish = (stage: number) => parseCheat(`${Object.keys(PAGE_CHEATS)[0]}@${stage}`, 3);
    const cuts = [{ from: 0, to: 20 }, { from: 20, to: 26 }, { from: 26, to: 30 }];
    for (const [index, cut] of cuts.entries()) {
      expect([1, 2, 3].filter((stage) => { const wished = wish(stage); return wished !== undefined && isWished(wished, cut, 30); })).toEqual([index + 1]);
    }
  });
});
