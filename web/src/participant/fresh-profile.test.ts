import { expect, it } from 'vitest';
import { DEPARTED_FACTOR, FreshProfile, IDLE_AFTER_MS, REMEASURE_AFTER_MS, REMEASURE_LEAST_MS, RETRY_MS } from './fresh-profile.ts';
import type { LineRates, Measured, Scores } from '@ciro/core/protocol/measured.ts';
import type { FreshPorts } from './fresh-profile.ts';

const SCORES: Scores = { engine: 'wasm', ms: { bert: 10, resnet: 5, whisper: 20 } };
const TIMES = { layerMs: 1, layerMs16: 4, headMs: 2 };
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function setup(change: Partial<FreshPorts> = {}) {
  let now = 0;
  const calls: string[] = [];
  const sent: Measured[] = [];
  const state = { connected: true };
  const fresh = new FreshProfile({
    scores: () => (calls.push('scores'), Promise.resolve(SCORES)),
    layers: () => (calls.push('layers'), Promise.resolve(TIMES)),
    probeLine: ({ down }) => (calls.push(down ? 'line' : 'line up'), Promise.resolve<LineRates>({ downBytesPerMs: down ? 2_000 : null, upBytesPerMs: 1_000 })),
    metered: () => false,
    now: () => now,
    send: (message) => state.connected && sent.push(message) > 0,
    timed: ({ layerMs }) => calls.push(`timed ${layerMs}`),
    show: () => undefined,
    ...change,
  });
  /** Idle for a while, looked at every second. */
  const idle = async (ms: number) => {
    for (let spent = 0; spent <= ms; spent += 1_000) {
      fresh.look(true);
      await settled();
      now += 1_000;
    }
  };
  const wait = (ms: number) => void (now += ms);
  const heard = () => calls.splice(0);
  return { fresh, calls, sent, state, idle, wait, heard };
}

it('W7: nothing is measured before the tab was idle for a while, nor while it is not', async () => {
  const { fresh, idle, wait, heard } = setup();
  fresh.look(true);
  wait(IDLE_AFTER_MS - 1);
  fresh.look(true);
  fresh.look(false);
  wait(REMEASURE_AFTER_MS);
  fresh.look(true);
  await settled();
  expect(heard()).toEqual([]);
  await idle(10_000);
  expect(heard()).toEqual(['line', 'scores', 'layers', 'timed 1']);
});

it('W7: line and scores are measured once after joining, told, and told again over the next connection', async () => {
  const { fresh, sent, idle, heard } = setup();
  await idle(20_000);
  expect(heard()).toEqual(['line', 'scores']);
  expect(sent).toEqual([{ type: 'measured', line: { downBytesPerMs: 2_000, upBytesPerMs: 1_000 } }, { type: 'measured', scores: SCORES }]);
  sent.length = 0;
  fresh.joined();
  expect(sent).toEqual([{ type: 'measured', scores: SCORES }, { type: 'measured', line: { downBytesPerMs: 2_000, upBytesPerMs: 1_000 } }]);
});

it('W7: measured again after hours, a restart of the engine, another power or visibility; not more often than is useful', async () => {
  const { fresh, idle, wait, heard } = setup();
  await idle(10_000);
  heard();
  fresh.restarted();
  await idle(10_000);
  expect(heard()).toEqual([]);
  wait(REMEASURE_LEAST_MS);
  await idle(10_000);
  expect(heard()).toEqual(['scores', 'layers', 'timed 1']);
  fresh.changed();
  fresh.changed();
  wait(REMEASURE_LEAST_MS);
  await idle(10_000);
  expect(heard()).toEqual(['line', 'scores', 'layers', 'timed 1']);
  wait(REMEASURE_AFTER_MS);
  await idle(10_000);
  expect(heard()).toEqual(['line', 'scores', 'layers', 'timed 1']);
});

it('W7: layers are timed again when jobs take far longer or shorter than the profile says', async () => {
  const { fresh, idle, wait, heard } = setup();
  await idle(10_000);
  wait(REMEASURE_LEAST_MS);
  heard();
  fresh.served(10 * DEPARTED_FACTOR - 1, 10);
  fresh.served(0, 10);
  await idle(10_000);
  expect(heard()).toEqual([]);
  fresh.served(10 * DEPARTED_FACTOR, 10);
  await idle(10_000);
  expect(heard()).toEqual(['layers', 'timed 1']);
  wait(REMEASURE_LEAST_MS);
  fresh.served(10 / DEPARTED_FACTOR, 10);
  await idle(10_000);
  expect(heard()).toEqual(['layers', 'timed 1']);
});

it('W3: a line that weights came over is probed upwards only; one that is paid by the byte is not probed at all', async () => {
  const { fresh, sent, idle, heard } = setup();
  fresh.fetched(3_000);
  fresh.fetched(3_100);
  await idle(10_000);
  expect(heard()).toEqual(['line up', 'scores']);
  // A little faster is no news.
  expect(sent.filter(({ line }) => line !== undefined)).toEqual([{ type: 'measured', line: { downBytesPerMs: 3_000, upBytesPerMs: null } }, { type: 'measured', line: { downBytesPerMs: 3_100, upBytesPerMs: 1_000 } }]);
  const paid = setup({ metered: () => true });
  await paid.idle(2 * RETRY_MS);
  expect(paid.heard()).toEqual(['scores']);
});

it('W7: what had to make way or failed is tried again later; an engine that was ended answers nothing any more', async () => {
  const making = setup({ scores: () => Promise.resolve(undefined), layers: () => Promise.reject(new Error('no memory')) });
  await making.idle(10_000);
  expect(making.sent.filter(({ scores }) => scores !== undefined)).toEqual([]);
  let answer: (scores: Scores) => void = () => undefined;
  let asked = 0;
  const ended = setup({ scores: () => new Promise((resolve) => (asked++, (answer = resolve))) });
  await ended.idle(5_000);
  expect(asked).toBe(1);
  ended.fresh.restarted();
  answer(SCORES);
  await settled();
  expect(ended.sent.filter(({ scores }) => scores !== undefined)).toEqual([]);
  await ended.idle(5_000);
  expect(asked).toBe(2);
});

it('W7: without a connection nothing is lost: the next one is told', async () => {
  const { fresh, sent, state, idle } = setup();
  state.connected = false;
  await idle(10_000);
  state.connected = true;
  fresh.joined();
  expect(sent.map(({ line, scores }) => [line !== undefined, scores !== undefined])).toEqual([[false, true], [true, false]]);
});
