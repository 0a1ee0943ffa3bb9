import { gigaflops } from '@ciro/core/model/graph/score-graphs.ts';
import { SCORE_SHAPES } from '@ciro/core/protocol/measured.ts';
import { formatRate } from '../figures.ts';
import type { ParticipantView } from '../../participant/participant-view.ts';

/** Bits a second in a millisecond's bytes. */
const MEGABITS = 8e3 / 1e6;
const NAMES = { bert: 'text', resnet: 'image', whisper: 'speech' } as const;

/** `21 Mbit/s down, 9.5 up`: what was measured of it; empty before. */
export function lineText({ line: { downBytesPerMs: down, upBytesPerMs: up } }: ParticipantView['fresh']): string {
  const rate = (bytesPerMs: number): string => formatRate(bytesPerMs * MEGABITS);
  if (down === null) return up === null ? '' : `${rate(up)} Mbit/s up`;
  return `${rate(down)} Mbit/s down${up === null ? '' : `, ${rate(up)} up`}`;
}

/** `text 6.2, image 4.8, speech 7.1 GFLOP/s` for small models of these kinds; what does not run here is named so. */
export function scoresText({ scores }: ParticipantView['fresh']): string {
  if (scores === undefined) return '';
  const parts = SCORE_SHAPES.map((shape) => {
    const ms = scores.ms[shape];
    return `${NAMES[shape]} ${ms === null ? 'does not run' : formatRate(gigaflops(shape, ms))}`;
  });
  return `${parts.join(', ')} GFLOP/s`;
}
