import { loadingOf, standbyOf } from '../../participant/contribution-state.ts';
import { TroubleBox } from '../trouble-box.tsx';
import { formatAmount, formatBytes, formatCount, formatDuration, formatMemory, formatRate, formatShare } from '../figures.ts';
import { LayerStrip } from '../layer-strip.tsx';
import { lineText, scoresText } from './fresh-text.ts';
import { LinkList } from './link-list.tsx';
import { stateText } from './state-text.ts';
import { neighbours, weightsFrom } from './weights-text.ts';
import type { ServedModel } from '../network/served-models.ts';
import type { ContributionDesk } from './contribution-desk.ts';

const DEVICES = { wasm: 'CPU', webgpu: 'GPU' } as const;

/** The contribution while it lasts: what it does at this moment, what it did, what it earned. */
export function LivePanel({ desk, model }: { desk: ContributionDesk; model: ServedModel | undefined }) {
  const view = desk.view.value;
  const { state, totals, credits, bytes, memory, profile, links, standing, audits, alarms } = view;
  const { title, detail } = stateText(state);
  const loading = loadingOf(state);
  const standby = standbyOf(state);
  const layers = 'layers' in state ? state.layers : standby;
  const total = model?.layers ?? layers?.[1] ?? 0;
  return (
    <>
      <div class="live-top">
        <div>
          <h2 class="headline">{title}</h2>
          <p class="lead">{detail}</p>
        </div>
        <button type="button" class="button button-ink" onClick={() => void desk.stop()}>
          Stop
        </button>
      </div>
      {loading !== undefined && <progress class="bar" aria-label="Weights loaded" max={Math.max(1, loading.totalBytes)} value={loading.loadedBytes} />}
      {total > 0 && layers !== undefined && (
        <LayerStrip total={total} segments={[{ layers, hue: 'mine' }]} busy={state.kind === 'serving'} label={`This tab ${standby === undefined ? 'holds' : 'stands by with'} layers ${layers[0]} to ${layers[1] - 1} of ${total}.`} />
      )}
      <dl class="gauges">
        <div class="gauge-wide">
          <dt>Now</dt>
          <dd>
            <span class="figures big">{formatRate(view.tokensPerSecond)}</span> tokens/s
          </dd>
        </div>
        <div class="gauge-wide">
          <dt>Credits earned</dt>
          <dd>
            <span class="figures big">{formatAmount(credits.pending + credits.payable + credits.withheld)}</span>
            <small>
              {formatAmount(credits.pending)} pending, {formatAmount(credits.payable)} payable, {formatAmount(credits.withheld)} kept as a bond
            </small>
          </dd>
        </div>
        <Gauge name="Tokens" value={formatCount(totals.tokens)} />
        <Gauge name="Positions" value={formatCount(totals.positions)} />
        <Gauge name="Questions" value={formatCount(totals.jobs)} />
        <Gauge name="Audits passed" value={standing === undefined ? '–' : formatCount(standing.successfulAudits)} aside={standing === undefined ? '' : `${formatShare(standing.auditRate)} of work is audited`} />
        <Gauge name="Others audited" value={formatCount(audits.done)} aside={audits.running === null ? '' : 'one under way'} />
        <Gauge name="Runs on" value={profile === undefined ? '–' : DEVICES[profile.engine]} aside={profile === undefined ? '' : `${formatDuration(profile.layerMs)} a layer`} />
        {lineText(view.fresh) !== '' && <Gauge name="Line" value={lineText(view.fresh)} />}
        {view.fresh.scores !== undefined && <Gauge name="Small models of other kinds" value={scoresText(view.fresh)} aside="measured when idle; nothing is given out by it yet" />}
        <Gauge name="Memory" value={formatMemory(memory.heldBytes)} aside={memory.peakBytes > 0 ? `peak ${formatMemory(memory.peakBytes)}` : ''} />
        <Gauge name="Weights" value={formatBytes(bytes.downloaded + bytes.cached)} aside={weightsFrom(bytes, view.weights)} />
        {view.weights.given > 0 && <Gauge name="Given to others" value={formatBytes(view.weights.given)} aside={`weights, to ${neighbours(view.weights.to)}`} />}
      </dl>
      {standing?.state === 'demoted' && (
        <TroubleBox title="This worker is not given work any more" message="" todo="Several engines, and the reference run, got other numbers than this tab. Contribute on another device or browser." />
      )}
      {alarms[0] !== undefined && <TroubleBox title="The coordinator's books do not agree" message={alarms[0].message} todo="The proof is kept in this browser. Ask the operator, or contribute elsewhere." />}
      <LinkList links={links} expected={state.kind === 'ready' || state.kind === 'serving'} />
      {view.keys === 'memory' && <p class="note">This browser refuses to keep data (a private window does that). The worker key and the credits it earns last until this tab is closed.</p>}
      {view.nodeId !== undefined && (
        <p class="aside">
          This tab is worker <span class="figures">{view.nodeId.slice(0, 12)}</span>. It works only while it stays open.
        </p>
      )}
    </>
  );
}

function Gauge({ name, value, aside = '' }: { name: string; value: string; aside?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="figures">{value}</span>
        {aside !== '' && <small>{aside}</small>}
      </dd>
    </div>
  );
}
