import { expect, it } from 'vitest';
import { keepAwake } from './keep-awake.ts';

class Page extends EventTarget {
  visibilityState = 'visible';
  turn(state: 'visible' | 'hidden'): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function setup(refuses = false) {
  const page = new Page();
  const stop = new AbortController();
  const locks = { asked: 0, released: 0, request: async () => {
    locks.asked++;
    if (refuses) throw new DOMException('the battery is low', 'NotAllowedError');
    return { release: async () => void locks.released++ };
  } };
  return { page, stop, locks };
}

it('holds the screen on while the page is in sight, asks again each time it is shown, and lets go at the end', async () => {
  const { page, stop, locks } = setup();
  keepAwake(page, locks, stop.signal);
  page.turn('hidden');
  expect(locks.asked).toBe(1);
  page.turn('visible');
  await settled();
  expect([locks.asked, locks.released]).toEqual([2, 1]);
  stop.abort();
  page.turn('visible');
  await settled();
  expect([locks.asked, locks.released]).toEqual([2, 2]);
});

it('does without where the browser refuses or cannot', async () => {
  const { page, stop, locks } = setup(true);
  keepAwake(page, locks, stop.signal);
  keepAwake(page, undefined, stop.signal);
  await settled();
  page.turn('visible');
  await settled();
  expect(locks.asked).toBe(2);
  stop.abort();
  await settled();
  expect(locks.released).toBe(0);
});
