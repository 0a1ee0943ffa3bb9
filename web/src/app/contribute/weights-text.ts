import { formatBytes } from '../figures.ts';
import type { ParticipantView } from '../../participant/participant-view.ts';

export const neighbours = (count: number): string => (count === 1 ? 'one neighbour' : `${count} neighbours`);

/** Where the weights came from: `61 MB from 2 neighbours, 12 MB from the coordinator`. Empty while nothing came. */
export function weightsFrom({ downloaded, cached }: { readonly downloaded: number; readonly cached: number }, { coordinator, publicFile, neighbours: near, from }: ParticipantView['weights']): string {
  const parts: readonly (readonly [number, string])[] = [
    [near, `from ${neighbours(from)}`],
    [publicFile, 'from the public file'],
    [coordinator, 'from the coordinator'],
    [cached, 'from the cache'],
  ];
  const present = parts.filter(([bytes]) => bytes > 0);
  if (present.length === 0) return downloaded === 0 ? '' : 'downloaded';
  if (present.length === 1) return present[0]?.[1] ?? '';
  return present.map(([bytes, place]) => `${formatBytes(bytes)} ${place}`).join(', ');
}
