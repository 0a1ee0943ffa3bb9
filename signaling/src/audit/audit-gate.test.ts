import { expect, it } from 'vitest';
import { AuditGate } from './audit-gate.ts';

const signal = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('jobs past the bounds wait, first come first served, and none is passed over', async () => {
  const gate = new AuditGate({ jobs: 2, bytes: 100, waiting: 10 });
  const inside: string[] = [];
  const enter = async (name: string, bytes: number) => {
    const admission = await gate.enter(bytes, signal);
    inside.push(name);
    return admission;
  };
  const [a, b] = [await enter('a', 60), await enter('b', 30)];
  const c = enter('c', 90);
  const d = enter('d', 1);
  await turn();
  expect(inside).toEqual(['a', 'b']);
  b.leave();
  b.leave();
  await turn();
  // There is a place, and room for d: but c was here before.
  expect(inside).toEqual(['a', 'b']);
  a.shrink(50);
  await turn();
  expect(inside).toEqual(['a', 'b', 'c']);
  a.leave();
  await turn();
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
  (await c).leave();
  (await d).leave();
});

it('a job that needs more than there is goes when nothing else is held', async () => {
  const gate = new AuditGate({ jobs: 5, bytes: 100, waiting: 10 });
  const small = await gate.enter(1, signal);
  let entered = false;
  const large = gate.enter(1_000, signal).then((admission) => ((entered = true), admission));
  await turn();
  expect(entered).toBe(false);
  small.leave();
  (await large).leave();
});

it('too many that wait are refused by name; one that gives up makes room', async () => {
  const gate = new AuditGate({ jobs: 1, bytes: 100, waiting: 1 });
  const first = await gate.enter(1, signal);
  const stop = new AbortController();
  const second = gate.enter(1, stop.signal);
  await expect(gate.enter(1, signal)).rejects.toMatchObject({ code: 'full', fields: { waiting: 1 } });
  stop.abort(new Error('stopped'));
  await expect(second).rejects.toThrow('stopped');
  const third = gate.enter(1, signal);
  first.leave();
  (await third).leave();
});
