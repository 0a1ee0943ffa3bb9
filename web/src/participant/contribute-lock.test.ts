import { afterEach, expect, test, vi } from 'vitest';
import { holdContributeLock } from './contribute-lock.ts';

afterEach(() => vi.unstubAllGlobals());

/** A lock manager whose first requests time out; `holder` names the lock that somebody else holds. */
function locksThat(timeOuts: number, holder?: string): { readonly requests: () => number } {
  let requests = 0;
  const request = async (_name: string, _options: object, held: () => Promise<void>): Promise<void> => {
    if (requests++ < timeOuts) throw new DOMException('late', 'TimeoutError');
    await held();
  };
  vi.stubGlobal('navigator', { locks: { request, query: async () => ({ held: holder === undefined ? [] : [{ name: holder }] }) } });
  return { requests: () => requests };
}

const never = new AbortController().signal;

test('a free lock is held, however long a device without processors takes to give it', async () => {
  const { requests } = locksThat(3);
  expect(await holdContributeLock(never)).toBe(true);
  expect(requests()).toBe(4);
});

test('a lock that another tab of this browser holds is not waited for again', async () => {
  const { requests } = locksThat(9, 'ciro-contribute');
  expect(await holdContributeLock(never)).toBe(false);
  expect(requests()).toBe(1);
});

test('who stopped meanwhile asks no more', async () => {
  const { requests } = locksThat(9);
  expect(await holdContributeLock(AbortSignal.abort())).toBe(false);
  expect(requests()).toBe(1);
});

test('a browser without locks lets every tab contribute', async () => {
  vi.stubGlobal('navigator', {});
  expect(await holdContributeLock(never)).toBe(true);
});
