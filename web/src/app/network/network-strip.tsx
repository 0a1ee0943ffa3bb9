import { hueClass, LayerStrip } from '../layer-strip.tsx';
import { formatCount, formatLayers, shortId } from '../figures.ts';
import { ringOf } from './network-health.ts';
import type { NetworkHealth } from './network-health.ts';
import type { NetworkState } from './network-watch.ts';

/** The network in one line: who is here, which layers are held, whether a question would be answered now. */
export function NetworkStrip({ network, mine }: { network: NetworkState; mine: string | undefined }) {
  if (network.kind === 'unknown') return <div class="network" aria-busy="true" />;
  if (network.kind === 'offline') return <div class="network network-bad">Coordinator offline</div>;
  const { workers, layers, serves, queued, rings } = network.health;
  const own = ringOf(network.health, mine);
  const stages = own?.stages ?? network.health.stages;
  const segments = stages.map((stage, index) => ({ layers: stage.layers, hue: stage.worker === mine ? ('mine' as const) : index }));
  return (
    <div class="network">
      <span class={`dot ${serves ? 'dot-good' : 'dot-working'}`} aria-hidden="true" />
      <span>
        <b class="figures">{formatCount(workers)}</b> {workers === 1 ? 'tab' : 'tabs'} here
      </span>
      {(workers > 0 || network.health.missing > 0) && <span>{standing(network.health)}</span>}
      {rings.length > 1 && <span>{own === undefined ? `${formatCount(rings.length)} rings` : `you are in ring ${own.number} of ${rings.length}`}</span>}
      {queued > 0 && <span>{formatCount(queued)} waiting</span>}
      {layers > 0 && stages.length > 0 && (
        <span class="network-layers">
          <LayerStrip total={layers} segments={segments} label={stages.map((stage) => `${formatLayers(stage.layers)} on ${stage.worker === mine ? 'this tab' : shortId(stage.worker)}`).join('; ')} />
          <span class="legend" aria-hidden="true">
            {stages.map((stage, index) => (
              <i key={stage.worker} class={`key ${hueClass(segments[index]?.hue ?? index)}`}>
                {stage.worker === mine ? 'you' : shortId(stage.worker)}
              </i>
            ))}
          </span>
        </span>
      )}
    </div>
  );
}

function standing({ serves, missing, stages }: NetworkHealth): string {
  if (serves) return 'answering';
  if (missing > 0) return `needs ${missing} more ${missing === 1 ? 'tab' : 'tabs'}`;
  return stages.length === 0 ? 'dividing the model' : `${stages.filter(({ ready }) => ready).length} of ${stages.length} parts loaded`;
}
