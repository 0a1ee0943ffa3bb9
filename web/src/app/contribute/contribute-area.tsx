import { isActive } from '../../participant/participant-view.ts';
import { TroubleBox } from '../trouble-box.tsx';
import { EarningsPanel } from '../earnings/earnings-panel.tsx';
import { ConsentCard } from './consent-card.tsx';
import { LivePanel } from './live-panel.tsx';
import { RecentWork } from './recent-work.tsx';
import { stateText } from './state-text.ts';
import type { ServedModel } from '../network/served-models.ts';
import type { ContributionDesk } from './contribution-desk.ts';

/** The volunteer's side of the page. */
export function ContributeArea({ desk, model }: { desk: ContributionDesk; model: ServedModel | undefined }) {
  const { state } = desk.view.value;
  const { title, detail } = stateText(state);
  return (
    <section id="contribute" class="card contribute" aria-label="Contribute">
      {isActive(state) ? (
        <LivePanel desk={desk} model={model} />
      ) : (
        <>
          {state.kind === 'error' && <TroubleBox title={title} message={state.message} todo={state.todo} />}
          {state.kind === 'unsupported' && <TroubleBox title="This device cannot contribute as it is" message={detail} todo="" />}
          {state.kind === 'stopped' && <p class="note">{detail}</p>}
          <ConsentCard desk={desk} model={model} possible={state.kind !== 'unsupported'} />
        </>
      )}
      <EarningsPanel desk={desk} />
      <RecentWork work={desk.recent.value} />
      <p class="sr-only" role="status">
        {state.kind === 'idle' ? '' : title}
      </p>
    </section>
  );
}
