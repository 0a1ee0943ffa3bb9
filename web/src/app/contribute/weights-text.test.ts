import { expect, it } from 'vitest';
import { EMPTY_VIEW } from '../../participant/participant-view.ts';
import { formatBytes } from '../figures.ts';
import { weightsFrom } from './weights-text.ts';

const moved = (change: Partial<typeof EMPTY_VIEW.weights>) => ({ ...EMPTY_VIEW.weights, ...change });

it.each([
  [{ downloaded: 0, cached: 0 }, {}, ''],
  [{ downloaded: 7, cached: 0 }, {}, 'downloaded'],
  [{ downloaded: 0, cached: 9 }, {}, 'from the cache'],
  [{ downloaded: 5_000_000, cached: 0 }, { coordinator: 5_000_000 }, 'from the coordinator'],
  [{ downloaded: 5_000_000, cached: 0 }, { neighbours: 5_000_000, from: 1 }, 'from one neighbour'],
  [{ downloaded: 73_000_000, cached: 0 }, { neighbours: 61_000_000, from: 2, coordinator: 12_000_000 }, `${formatBytes(61_000_000)} from 2 neighbours, ${formatBytes(12_000_000)} from the coordinator`],
  [{ downloaded: 3_000_000, cached: 2_000_000 }, { publicFile: 3_000_000 }, `${formatBytes(3_000_000)} from the public file, ${formatBytes(2_000_000)} from the cache`],
])('of %o, where %o moved, the page says "%s"', (bytes, change, text) => {
  expect(weightsFrom(bytes, moved(change))).toBe(text);
});
