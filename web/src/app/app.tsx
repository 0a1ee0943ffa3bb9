import { ChatArea } from './chat/chat-area.tsx';
import { ContributeArea } from './contribute/contribute-area.tsx';
import { CopyButton } from './copy-button.tsx';
import { isActive } from '../participant/participant-view.ts';
import { CONTRIBUTE_BUTTON } from './contribute/consent-card.tsx';
import { NetworkStrip } from './network/network-strip.tsx';
import { stateText } from './contribute/state-text.ts';
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { ChatSession } from './chat/chat-session.ts';
import type { ContributionDesk } from './contribute/contribution-desk.ts';
import type { NetworkWatch } from './network/network-watch.ts';
import type { ServedModel } from './network/served-models.ts';

/** On a small screen one of the two is shown; on a wide one both are. */
export type Area = 'contribute' | 'chat';

export interface AppParts {
  readonly desk: ContributionDesk;
  readonly chat: ChatSession;
  readonly network: NetworkWatch;
  readonly model: ReadonlySignal<ServedModel | undefined>;
  readonly area: Signal<Area>;
}

const AREAS: readonly (readonly [area: Area, label: string])[] = [
  ['contribute', 'Contribute'],
  ['chat', 'Chat'],
];

/** The whole page. */
export function App({ desk, chat, network, model, area }: AppParts) {
  const { state, nodeId } = desk.view.value;
  const showContribute = () => {
    area.value = 'contribute';
    // After the area is shown: what is hidden cannot take the focus.
    setTimeout(() => document.getElementById(CONTRIBUTE_BUTTON)?.focus(), 0);
  };
  return (
    <div class={`page show-${area.value}`}>
      <a class="skip-link" href="#question" onClick={() => (area.value = 'chat')}>
        Skip to the question field
      </a>
      <header class="top">
        <h1 class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          Ciro
        </h1>
        <NetworkStrip network={network.state.value} mine={nodeId} />
        <CopyButton class="button invite" text={() => `${location.origin}/`} label="Invite" done="Link copied" hint="Copy a link for another tab or device" />
      </header>
      <nav class="areas" aria-label="Areas">
        {AREAS.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={area.value === name} onClick={() => (area.value = name)}>
            {label}
          </button>
        ))}
        {isActive(state) && area.value === 'chat' && (
          <span class="areas-state">
            <span class={`dot dot-${stateText(state).mood}`} aria-hidden="true" />
            <span class="areas-title">{stateText(state).title}</span>
            <button type="button" class="button button-ink" aria-label="Stop contributing" onClick={() => void desk.stop()}>
              Stop
            </button>
          </span>
        )}
      </nav>
      <main class="columns">
        <ContributeArea desk={desk} model={model.value} />
        <ChatArea chat={chat} model={model.value} network={network.state.value} mine={nodeId} onContribute={showContribute} />
      </main>
    </div>
  );
}
