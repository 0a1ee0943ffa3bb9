/** A run of layers in one colour: `mine` is this tab, a number is the place in the ring. */
export interface StripSegment {
  readonly layers: readonly [number, number];
  readonly hue: 'mine' | number;
}

/** Hues for other tabs before they repeat. */
const HUES = 6;
/** More ticks than this would be thinner than a pixel on a phone. */
const MAX_TICKS = 96;

/** Class of a segment's colour, for the strip and for marks beside text. */
export const hueClass = (hue: StripSegment['hue']): string => (hue === 'mine' ? 'hue-mine' : `hue-${hue % HUES}`);

/** The model as a row of ticks, one a layer, coloured by who holds it. `label` says the same in words. */
export function LayerStrip({ total, segments, label, busy = false }: { total: number; segments: readonly StripSegment[]; label: string; busy?: boolean }) {
  const ticks = Math.min(total, MAX_TICKS);
  const hueOf = (tick: number) => segments.find(({ layers: [from, to] }) => tick >= Math.floor((from * ticks) / total) && tick < Math.ceil((to * ticks) / total))?.hue;
  return (
    <div class={`strip${busy ? ' strip-busy' : ''}`} role="img" aria-label={label}>
      {Array.from({ length: ticks }, (_, tick) => {
        const hue = hueOf(tick);
        return <i key={tick} class={hue === undefined ? 'tick' : `tick tick-held ${hueClass(hue)}`} />;
      })}
    </div>
  );
}
