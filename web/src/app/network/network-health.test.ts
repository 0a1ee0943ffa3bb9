import { describe, expect, it } from 'vitest';
import { networkHealth, ringOf } from './network-health.ts';

const stage = (worker: string, layers: [number, number], ready: boolean) => ({ worker, layers, ready, loaded_bytes: 1, total_bytes: 2 });
const body = (model: object) => ({ status: 'ok', network: 'test', connections: 3, workers: 2, spare: 0, placed: 2, missing: 0, running: 0, queue: 4, rings: [{ number: 0, ready: true, running: 0, spares: 0, standby: 0, stages: [stage('a', [0, 30], true)] }, { ready: false, stages: [stage('b', [0, 30], false)] }], models: [{ id: 'x', name: 'tiny', layers: 30, ready: false, stages: [], ...model }] });

describe('networkHealth', () => {
  it('reads who is here and who holds which layers', () => {
    expect(networkHealth(body({ ready: true, stages: [stage('a', [0, 15], true), stage('b', [15, 30], true)] }))).toEqual({
      workers: 2,
      missing: 0,
      queued: 4,
      stages: [expect.objectContaining({ worker: 'a', layers: [0, 15], ready: true }), expect.objectContaining({ worker: 'b', layers: [15, 30] })],
      rings: [[expect.objectContaining({ worker: 'a' })], [expect.objectContaining({ worker: 'b' })]],
      layers: 30,
      serves: true,
    });
  });

  it('tells which ring a tab is in', () => {
    const health = networkHealth(body({}));
    expect(health && ['a', 'b', 'c', undefined].map((tab) => ringOf(health, tab)?.number)).toEqual([1, 2, undefined, undefined]);
  });

  it('knows a network that holds nothing yet', () => {
    expect(networkHealth(body({}))).toMatchObject({ stages: [], layers: 30, serves: false });
    expect(networkHealth({ ...body({}), models: [] })).toMatchObject({ stages: [], layers: 0, serves: false });
  });

  it('takes nothing for the word of something else', () => {
    expect(networkHealth({ status: 'ok' })).toBeUndefined();
    expect(networkHealth(undefined)).toBeUndefined();
  });
});
