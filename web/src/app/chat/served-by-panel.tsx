import { formatAmount, formatDuration, formatLayers, shortId } from '../figures.ts';
import { hueClass, LayerStrip, type StripSegment } from '../layer-strip.tsx';
import { costOf, movesText, partText, stagesOf, type AnswerPart } from './answer-parts.ts';
import type { PlacedStage } from '../network/network-health.ts';
import type { ServedStage } from './evidence.ts';

const LINKS: Readonly<Record<string, string>> = { direct: 'direct', relay: 'relayed' };
const ENGINES: Readonly<Record<string, string>> = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

/** Who ran which layers: as a drawing of the model and as a list, for each part of an answer that moved. Before the record is complete, who is running them now. */
export function ServedByPanel({ parts, placed, mine, answering }: { parts: readonly AnswerPart[]; placed: readonly PlacedStage[]; mine: string | undefined; answering: boolean }) {
  const served = stagesOf(parts);
  const tabs = new Set((served.length > 0 ? served : placed).map(({ worker }) => worker)).size;
  if (tabs === 0) return null;
  const who = tabs === 1 ? 'one tab' : `${tabs} tabs`;
  const disagreements = parts.reduce((sum, part) => sum + part.served.disagreements, 0);
  const fee = parts.reduce((sum, part) => sum + part.served.fee, 0n);
  return (
    <details class="served" open={answering}>
      <summary>{answering ? `Running on ${who} now` : `Served by ${who}${movesText(parts)}${receiptsText(served)}`}</summary>
      {served.length === 0 && <Stages stages={placed} mine={mine} answering={answering} />}
      {parts.map((part, index) => (
        <section key={part.job}>
          {parts.length > 1 && <h4 class="part">{partText(parts, index)}</h4>}
          <Stages stages={part.served.stages} mine={mine} answering={answering} />
        </section>
      ))}
      {disagreements > 0 && (
        <p class="trouble">Two tabs said different things about {disagreements === 1 ? 'a part' : `${disagreements} parts`} of this answer. Those parts are not paid, and the answer may be wrong.</p>
      )}
      {served.length > 0 && (
        <p class="aside">
          Charged {formatAmount(costOf(parts))} credits, of them {formatAmount(fee)} fee; the rest goes to these tabs.
        </p>
      )}
    </details>
  );
}

/** One ring. */
function Stages({ stages, mine, answering }: { stages: readonly (ServedStage | PlacedStage)[]; mine: string | undefined; answering: boolean }) {
  const hues: StripSegment['hue'][] = stages.map((stage, index) => (stage.worker === mine ? 'mine' : index));
  const total = stages.at(-1)?.layers[1] ?? 0;
  return (
    <>
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
            {'engine' in stage && <StageFigures stage={stage} last={index === stages.length - 1} />}
          </li>
        ))}
      </ol>
    </>
  );
}

function StageFigures({ stage, last }: { stage: ServedStage; last: boolean }) {
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
function receiptsText(stages: readonly ServedStage[]): string {
  const all = stages.reduce((sum, { receipts }) => sum + receipts.all, 0);
  const valid = stages.reduce((sum, { receipts }) => sum + receipts.valid, 0);
  if (all === 0) return '';
  return valid === all ? `, all ${all} receipts valid` : `, ${valid} of ${all} receipts valid`;
}
