import { formatBytes, formatDuration, formatMemory } from '../figures.ts';
import { LayerStrip } from '../layer-strip.tsx';
import { USUAL_STAGES } from '../../participant/download-estimate.ts';
import { CapsForm } from './caps-form.tsx';
import type { ServedModel } from '../network/served-models.ts';
import type { ContributionDesk } from './contribution-desk.ts';

/** Id of the button, for whatever leads to it. */
export const CONTRIBUTE_BUTTON = 'contribute-button';
/**
 * The engine's WebAssembly, compressed, in bytes: 4.9 MB for the build with WebGPU and 2.7 MB for the one without; `auto`
 * compares both (measured on onnxruntime-web 1.30).
 */
const ENGINE_BYTES = 8_000_000;
/** Speed that a duration is stated for before any was measured here, in bits a second. */
const ASSUMED_SPEED = 20_000_000;

/** What contributing takes and shows, and the button that agrees to it. Nothing has been downloaded for it before the click. */
export function ConsentCard({ desk, model, possible }: { desk: ContributionDesk; model: ServedModel | undefined; possible: boolean }) {
  const speed = desk.bitsPerSecond.value;
  const bytes = (model?.likelyBytes ?? 0) + ENGINE_BYTES;
  const duration = formatDuration((bytes * 8 * 1_000) / (speed ?? ASSUMED_SPEED));
  const layers = model?.layers ?? 0;
  // Nobody agrees to a download of unknown size.
  const sized = model !== undefined && model.likelyBytes > 0;
  const share = Math.ceil(layers / USUAL_STAGES);
  return (
    <>
      <h2 class="headline">Lend this tab to a language model</h2>
      <p class="lead">
        While it stays open, this device computes a few layers for other people’s questions and earns credits. {desk.options.value.relayOnly ? 'The operator sees its network address, the tabs beside it do not.' : 'The tabs beside it and the operator see its network address.'}
      </p>
      <figure class="share">
        {layers > 0 && (
          <>
            <LayerStrip total={layers} segments={[{ layers: [share, share * 2], hue: 'mine' }]} label={`The model has ${layers} layers; this tab would hold about ${share} of them.`} />
            <figcaption>
              About <b>{share}</b> of {layers} layers of {model?.name} would run here.
            </figcaption>
          </>
        )}
      </figure>
      <dl class="facts">
        <div>
          <dt>Download</dt>
          <dd class="download">
            {!sized ? (
              'The coordinator has not told the size yet.'
            ) : (
              <>
                up to <b class="figures">{formatBytes(bytes)}</b>, once: about <b class="figures">{duration}</b> {speed === undefined ? 'at 20 Mbit/s' : 'at the speed measured here'}.{' '}
                {formatBytes(model.likelyBytes)} of it are weights, the rest is the engine. Afterwards both are cached{desk.options.value.relayOnly ? '' : ', and tabs that load the same weights get parts of them from here, while nobody asks anything'}.
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Device</dt>
          <dd>
            up to <b class="figures">{formatMemory(desk.options.value.memoryBudgetBytes)}</b> of memory. One core, or the graphics processor, while somebody asks.
          </dd>
        </div>
        <div>
          <dt>Privacy</dt>
          <dd>This page reads nothing of yours. Tabs with the first or last layers, tabs that audit them, and the operator could read the questions they serve.</dd>
        </div>
      </dl>
      <button id={CONTRIBUTE_BUTTON} type="button" class="button button-mine button-large" disabled={!possible || !sized} onPointerEnter={() => desk.prepare()} onFocus={() => desk.prepare()} onClick={() => void desk.contribute()}>
        Contribute
      </button>
      <p class="aside">No account, no wallet, no install. Stop with one click.</p>
      <CapsForm desk={desk} />
    </>
  );
}
