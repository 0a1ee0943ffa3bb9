import { signal } from '@preact/signals';
import { networkHealth, type NetworkHealth } from './network-health.ts';

/** While somebody looks: the strip is a glance, not a monitor. */
const POLL_MS = 8_000;
/** While tabs are missing people watch the number fall as they join. */
const MISSING_POLL_MS = 1_500;
const REQUEST_MS = 5_000;

/** `offline`: the coordinator could not be reached at the last look. */
export type NetworkState = { readonly kind: 'unknown' } | { readonly kind: 'offline' } | { readonly kind: 'known'; readonly health: NetworkHealth };

/** Looks at the coordinator's `/health` now and then while the page is visible. */
export class NetworkWatch {
  readonly state = signal<NetworkState>({ kind: 'unknown' });
  readonly #url: URL;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `base`: URL of the coordinator, ending in a slash. */
  constructor(base: string) {
    this.#url = new URL('health', base);
    document.addEventListener('visibilitychange', () => this.look());
  }

  /** Looks at once, and from then on every POLL_MS, more often while tabs are missing. */
  look(): void {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    void this.#read().finally(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.look(), (healthOf(this.state.value)?.missing ?? 0) > 0 ? MISSING_POLL_MS : POLL_MS);
    });
  }

  async #read(): Promise<void> {
    try {
      const response = await fetch(this.#url, { signal: AbortSignal.timeout(REQUEST_MS), cache: 'no-store' });
      const health = networkHealth(await response.json());
      if (health !== undefined) this.state.value = { kind: 'known', health };
    } catch {
      this.state.value = { kind: 'offline' };
    }
  }
}

/** The health last seen, or undefined. */
export const healthOf = (state: NetworkState): NetworkHealth | undefined => (state.kind === 'known' ? state.health : undefined);
