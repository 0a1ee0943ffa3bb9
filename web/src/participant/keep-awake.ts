/** The part of the Screen Wake Lock API that is used; missing in old browsers and on insecure pages. */
export interface WakeLocks {
  request(type: 'screen'): Promise<{ release(): Promise<void> }>;
}

/** What is known of the page's place on the screen. */
export interface SeenPage extends EventTarget {
  readonly visibilityState: string;
}

/**
 * Keeps the screen on while the page is in sight, until aborted. Browsers take the lock away from a page that is hidden, so it is asked for
 * again when it is shown; one that refuses (a low battery) is asked at the next time.
 */
export function keepAwake(page: SeenPage, locks: WakeLocks | undefined, signal: AbortSignal): void {
  if (locks === undefined) return;
  let held: Promise<{ release(): Promise<void> } | undefined> = Promise.resolve(undefined);
  const release = (): void => void held.then((lock) => lock?.release()).catch(() => undefined);
  const hold = (): void => {
    if (page.visibilityState !== 'visible' || signal.aborted) return;
    release();
    held = locks.request('screen').catch(() => undefined);
  };
  hold();
  page.addEventListener('visibilitychange', hold, { signal });
  signal.addEventListener('abort', release, { once: true });
}
