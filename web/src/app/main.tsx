import { toHex } from '@ciro/core/bytes.ts';
import { NONCE_BYTES } from '@ciro/core/protocol/limits.ts';
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { statusOf, type CiroStatus } from '../participant/automation.ts';
import { App, type Area } from './app.tsx';
import { ApiKey } from './chat/api-key.ts';
import { ChatApi } from './chat/chat-api.ts';
import { ChatSession } from './chat/chat-session.ts';
import { ContributionDesk } from './contribute/contribution-desk.ts';
import { NetworkWatch } from './network/network-watch.ts';
import { fetchServedModel, type ServedModel } from './network/served-models.ts';
import { lazyStorage } from './lazy-storage.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/contribute.css';
import './styles/earnings.css';
import './styles/chat.css';

declare global {
  /** For programs that drive this page: a plain snapshot of the contribution. */
  var ciro: { status(): CiroStatus };
}

/** A manifest is about 80 kB; on a slow phone network that is some seconds. */
const MODEL_REQUEST_MS = 20_000;

const base = new URL('/', location.href).href;
const storage = lazyStorage(() => import('../storage/ciro-storage.ts'));

const api = new ChatApi(base);
const chat = new ChatSession({
  api,
  key: new ApiKey(storage.settings, (abort) => api.openTrial(abort)),
  keeping: storage.chats,
  now: Date.now,
  newId: () => crypto.getRandomValues(new Uint32Array(4)).join('-'),
  newNonce: () => toHex(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
});
const desk = new ContributionDesk({
  loadParticipant: async () => {
    const [{ Participant }, { work }] = await Promise.all([import('../participant/participant.ts'), storage.load()]);
    return new Participant({ store: work, origin: location.origin, base });
  },
  settings: storage.settings,
  device: globalThis,
  // Chromium only.
  deviceGib: (navigator as { deviceMemory?: number }).deviceMemory,
});
const network = new NetworkWatch(base);
const model = signal<ServedModel | undefined>(undefined);
const area = signal<Area>(location.hash === '#chat' ? 'chat' : 'contribute');

globalThis.ciro = { status: () => statusOf(desk.view.value) };
const root = document.getElementById('app');
if (root !== null) render(<App desk={desk} chat={chat} network={network} model={model} area={area} />, root);

void desk.volunteer(location.hash);
network.look();
// At the first look that finds the coordinator, and again until it tells.
effect(() => {
  if (network.state.value.kind === 'known' && model.peek() === undefined) void fetchServedModel(base, AbortSignal.timeout(MODEL_REQUEST_MS)).then((served) => (model.value = served));
});
// History and caps come after the first paint: their database code is a third of the page.
setTimeout(() => void Promise.all([desk.load(), chat.load(), chat.refreshBalance()]), 0);
