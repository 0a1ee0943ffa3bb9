import { formatBytes, formatLayers } from '../figures.ts';
import { sentence } from '../trouble-box.tsx';
import type { ContributionState, EngineLossCode, PauseReason, UnsupportedReason } from '../../participant/contribution-state.ts';

/** How a state looks: `working` moves, `resting` does not, `bad` needs the person. */
export type Mood = 'off' | 'working' | 'good' | 'resting' | 'bad';

export interface StateText {
  readonly mood: Mood;
  /** Two or three words. */
  readonly title: string;
  /** One sentence: what is going on and why. */
  readonly detail: string;
}

const PAUSED: Record<PauseReason, string> = {
  battery: 'This device runs on battery. It goes on by itself as soon as it charges.',
  hidden: 'You chose to pause while this tab is hidden. It goes on when you come back.',
};

const UNSUPPORTED: Record<UnsupportedReason, string> = {
  'insecure-context': 'This page came over plain HTTP, where browsers switch off keys, caches and the graphics processor. Open it over https:// or, on the machine that serves it, as http://localhost. Asking works here all the same.',
  'no-web-crypto': 'This browser has no WebCrypto, which signs the work. Use a current Chrome, Edge, Firefox or Safari.',
  'no-webrtc': 'WebRTC is switched off in this browser, and tabs pass their work on over it. Allow it in the settings or in the extension that blocks it, then reload.',
  'no-wasm': 'WebAssembly is switched off in this browser, and the model runs on it. Some lock-down modes do that; make an exception for this site.',
  'no-workers': 'This browser cannot run background workers. Use a current Chrome, Edge, Firefox or Safari.',
};

const LOST: Record<EngineLossCode, string> = {
  stuck: 'A computation did not come to its end.',
  'device-lost': 'The browser took the graphics processor away from this tab.',
  'out-of-memory': 'This device gave the engine no more memory.',
  crashed: 'The engine broke off.',
};

/** The words for a state. Every waiting and every pause says its true reason. */
export function stateText(state: ContributionState): StateText {
  switch (state.kind) {
    case 'idle':
      return { mood: 'off', title: 'Not contributing', detail: 'Nothing runs and nothing was downloaded for it.' };
    case 'unsupported':
      return { mood: 'bad', title: 'Not possible here', detail: UNSUPPORTED[state.reason] };
    case 'connecting':
      return state.again
        ? { mood: 'working', title: 'Reconnecting', detail: 'The connection to the coordinator broke. This tab tries again by itself.' }
        : { mood: 'working', title: 'Joining', detail: 'Connecting to the coordinator.' };
    case 'measuring':
      return { mood: 'working', title: 'Measuring', detail: 'Fetching the engine, checking that it computes right here, and timing one layer.' };
    case 'restarting':
      return { mood: 'working', title: 'Starting again', detail: `${LOST[state.why]} ${state.onWasm ? 'That happened too often: this tab computes on the processor from now on' : 'The engine starts again by itself'}, with the layers that this browser keeps.` };
    case 'waiting':
      return waitingText(state);
    case 'loading':
      return { mood: 'working', title: 'Loading', detail: `Fetching ${formatLayers(state.layers)}: ${formatBytes(state.loadedBytes)} of ${formatBytes(state.totalBytes)}.` };
    case 'ready':
      return { mood: 'good', title: 'Ready', detail: `Holding ${formatLayers(state.layers)}. Nobody asks at the moment, so nothing is computed.` };
    case 'serving':
      return { mood: 'good', title: 'Serving', detail: `Computing ${formatLayers(state.layers)} for ${state.jobs === 1 ? 'one question' : `${state.jobs} questions`}.` };
    case 'paused':
      return { mood: 'resting', title: 'Paused', detail: PAUSED[state.reason] };
    case 'stopped':
      return { mood: 'off', title: 'Stopped', detail: 'Nothing runs any more. What was downloaded stays in this browser for next time.' };
    case 'error':
      return { mood: 'bad', title: 'Stopped by a problem', detail: `${sentence(state.message)} ${state.todo}` };
  }
}

function waitingText(state: Extract<ContributionState, { kind: 'waiting' }>): StateText {
  switch (state.why) {
    case 'placement':
      return { mood: 'working', title: 'Waiting for layers', detail: 'The coordinator is dividing the layers over the tabs that are here.' };
    case 'spare':
      return { mood: 'resting', title: 'Standing by', detail: 'Other tabs hold every layer. This one steps in when one of them leaves.' };
    case 'standby': {
      const layers = formatLayers(state.standby);
      if (state.loaded) return { mood: 'resting', title: 'Standing by', detail: `Standing by with ${layers}: this tab takes them over at once when the one that serves them leaves.` };
      return { mood: 'working', title: 'Preparing to stand by', detail: `Fetching ${layers}, to take them over at once when their tab leaves: ${formatBytes(state.loadedBytes)} of ${formatBytes(state.totalBytes)}.` };
    }
  }
}
