import { formatAmount, formatDuration, formatLayers, shortId } from '../figures.ts';
import { hueClass, LayerStrip, type StripSegment } from '../layer-strip.tsx';
import type { PlacedStage } from '../network/network-health.ts';
import type { ServedBy } from './evidence.ts';

const LINKS: Readonly<Record<string, string>> = { direct: 'direct', relay: 'relayed' };
const ENGINES: Readonly<Record<string, string>> = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

/** Who ran which layers: as a drawing of the model and as a list. Before the record is complete, who is running them now. */
export function ServedByPanel({ served, placed, mine, answering }: { served: ServedBy | undefined; placed: readonly PlacedStage[]; mine: string | undefined; answering: boolean }) {
  const stages = served?.stages ?? placed;
  if (stages.length === 0) return null;
  const hues: StripSegment['hue'][] = stages.map((stage, index) => (stage.worker === mine ? 'mine' : index));
  const total = stages.at(-1)?.layers[1] ?? 0;
  const who = stages.length === 1 ? 'one tab' : `${stages.length} tabs`;
  return (
    <details class="served" open={answering}>
      <summary>
        {answering ? `Running on ${who} now` : served === undefined ? `Served by ${who}` : `Served by ${who}${receiptsText(served)}`}
      </summary>
      <LayerStrip
        total={total}
        busy={answering}
        segments={stages.map((stage, index) => ({ layers: stage.layers, hue: hues[index] ?? index }))}
        label={`The ${total} layers in order: ${stages.map((stage) => `${formatLayers(stage.layers)} on ${stage.worker === mine ? 'this tab' : shortId(stage.worker)}`).join(', ')}.`}
      />
      <ol class="stages">
        {stages.map((stage, index) => (
          <li key={stage.worker}>
            <span class={`key ${hueClass(hues[index] ?? index)}`}>
              <b class="figures">{shortId(stage.worker)}</b>
              {stage.worker === mine && <span class="mine">this tab</span>}
            </span>
            <span>{formatLayers(stage.layers)}</span>
            {served !== undefined && <StageFigures stage={served.stages[index]} last={index === stages.length - 1} />}
          </li>
        ))}
      </ol>
      {served !== undefined && served.disagreements > 0 && (
        <p class="trouble">Two tabs said different things about {served.disagreements === 1 ? 'a part' : `${served.disagreements} parts`} of this answer. Those parts are not paid, and the answer may be wrong.</p>
      )}
      {served !== undefined && (
        <p class="aside">
          Charged {formatAmount(served.debit)} credits, of them {formatAmount(served.fee)} fee; the rest goes to these tabs.
        </p>
      )}
    </details>
  );
}

function StageFigures({ stage, last }: { stage: ServedBy['stages'][number] | undefined; last: boolean }) {
  if (stage === undefined) return null;
  const { engine, tokenMs, link, units } = stage;
  return (
    <>
      <span class="soft">{ENGINES[engine] ?? ''}</span>
      <span class="soft">{tokenMs === 0 ? '' : `${formatDuration(tokenMs)} a token`}</span>
      <span class="soft">{link === 'none' ? '' : `${LINKS[link] ?? 'link'} ${last ? 'to the first' : 'to the next'}`}</span>
      <span class="soft">{units === 1 ? '1 unit' : `${units} units`}</span>
    </>
  );
}

/** `, 9 of 9 receipts valid`: the signatures that the coordinator checked. */
function receiptsText({ stages }: ServedBy): string {
  const all = stages.reduce((sum, { receipts }) => sum + receipts.all, 0);
  const valid = stages.reduce((sum, { receipts }) => sum + receipts.valid, 0);
  if (all === 0) return '';
  return valid === all ? `, all ${all} receipts valid` : `, ${valid} of ${all} receipts valid`;
}
