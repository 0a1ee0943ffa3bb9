import { describe, expect, it } from 'vitest';
import { likelyBytes, manifestSizes, modelBytes, rangeBytes } from './download-estimate.ts';

describe('download estimate', () => {
  const layers = Array.from({ length: 30 }, (_, index) => ({ name: `layer-${index}`, bytes: 2 }));
  const model = (tiedHead: boolean) => ({ name: 'tiny', architecture: { layers: 30, tiedHead }, shards: [{ name: 'embedding', bytes: 30 }, ...layers, { name: 'head', bytes: 1 }] });

  it('counts the embedding for the first range, and for the last one when the head is tied to it', () => {
    expect(rangeBytes(model(true), 0, 10)).toBe(50);
    expect(rangeBytes(model(true), 10, 20)).toBe(20);
    expect(rangeBytes(model(true), 20, 30)).toBe(51);
    expect(rangeBytes(model(false), 20, 30)).toBe(21);
    expect(rangeBytes(model(true), 0, 30)).toBe(91);
  });

  it('states the heaviest of the usual ranges', () => {
    expect(likelyBytes(model(true))).toBe(51);
    expect(likelyBytes(model(true), 1)).toBe(91);
    expect(modelBytes(model(true))).toBe(91);
  });

  it('takes nothing for a manifest that is none', () => {
    expect(manifestSizes({ name: 'x', architecture: { layers: 0, tiedHead: true }, shards: [] })).toBeUndefined();
    expect(manifestSizes('<html>')).toBeUndefined();
    expect(manifestSizes(model(true))?.shards).toHaveLength(32);
  });
});
