import { describe, expect, it } from 'vitest';
import { formatAmount, formatBytes, formatDuration, formatLayers, formatMemory, formatShare } from './figures.ts';

const CREDIT = 10n ** 18n;

describe('figures for people', () => {
  it('shows credits with two decimals, rounded down, and never shows something as nothing', () => {
    expect([0n, CREDIT, (CREDIT * 5n) / 2n, 1_857n * CREDIT + CREDIT / 4n, CREDIT / 3n, 1n].map(formatAmount)).toEqual(['0', '1', '2.5', '1,857.25', '0.33', '< 0.01']);
  });

  it('shows bytes as downloads are sold and memory as it is built', () => {
    expect([900, 2_500_000, 52_081_024, 1.5e9].map(formatBytes)).toEqual(['0.9 kB', '2.5 MB', '52 MB', '1.5 GB']);
    expect([512 * 1024 * 1024, 1024 ** 3].map(formatMemory)).toEqual(['512 MiB', '1 GiB']);
  });

  it('shows durations in the unit that a person would use', () => {
    expect([7.94, 380, 12_400, 200_000].map(formatDuration)).toEqual(['7.9 ms', '0.38 s', '12 s', '3 min']);
  });

  it('names the last layer that is there', () => {
    expect([formatLayers([10, 20]), formatLayers([29, 30])]).toEqual(['layers 10–19', 'layer 29']);
  });
});

it('writes shares as percentages, small ones with a decimal', () => {
  expect([0, 0.02, 0.2, 1].map(formatShare)).toEqual(['0 %', '2.0 %', '20 %', '100 %']);
});
