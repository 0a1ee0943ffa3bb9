/** A tab that is being reloaded gives its lock back within this. */
const LOCK_WAIT_MS = 1_500;
const LOCK_NAME = 'ciro-contribute';

/**
 * Holds the one lock that lets a tab of this browser contribute, until `release` aborts: two tabs would share a key and
 * push each other out. A held lock also keeps Chromium from freezing the page. False when another tab has it.
 */
export async function holdContributeLock(release: AbortSignal): Promise<boolean> {
  // Missing in old Safari and on insecure pages; the coordinator then keeps the newer of two connections.
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) return true;
  return new Promise((resolve, reject) => {
    const held = () => {
      resolve(true);
      return new Promise<void>((free) => {
        if (release.aborted) free(); // given up while waiting for the lock
        release.addEventListener('abort', () => free(), { once: true });
      });
    };
    const ask = (): void => {
      locks.request(LOCK_NAME, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held).catch(async (error: unknown) => {
        if (!(error instanceof DOMException) || (error.name !== 'TimeoutError' && error.name !== 'AbortError')) return reject(error instanceof Error ? error : new Error(String(error)));
        // On a device that is short of processors a free lock may take longer than that to come.
        const { held: holders = [] } = await locks.query();
        if (release.aborted || holders.some(({ name }) => name === LOCK_NAME)) resolve(false);
        else ask();
      }).catch(reject);
    };
    ask();
  });
}
