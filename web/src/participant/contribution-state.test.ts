import { describe, expect, it } from 'vitest';
import { afterEvent, loadingOf, NOTHING_YET, standbyOf, stateOf, type ContributionEvent, type ContributionFacts } from './contribution-state.ts';

const after = (events: readonly ContributionEvent[], from: ContributionFacts = NOTHING_YET) => events.reduce(afterEvent, from);
const kinds = (events: readonly ContributionEvent[]) => events.map((_, index) => stateOf(after(events.slice(0, index + 1))).kind);

const shards = (state: 'loading' | 'ready' | 'failed', assignment = 1, loadedBytes = 10): ContributionEvent => ({ type: 'shards', assignment, state, loadedBytes, totalBytes: 40, error: state === 'failed' ? 'shard layer-3: wrong hash' : '' });
const JOIN: readonly ContributionEvent[] = [{ type: 'started' }, { type: 'joined' }, { type: 'measuring' }, { type: 'profiled' }, { type: 'assigned', id: 1, layers: [10, 20], standby: false }, shards('loading'), shards('ready')];

describe('the state of a contribution', () => {
  it('goes from idle to ready by way of connecting, measuring, waiting and loading', () => {
    expect(stateOf(NOTHING_YET).kind).toBe('idle');
    expect(kinds(JOIN)).toEqual(['connecting', 'measuring', 'measuring', 'waiting', 'loading', 'loading', 'ready']);
  });

  it('serves while at least one job runs', () => {
    const serving = after([...JOIN, { type: 'job-began', job: 'a' }, { type: 'job-began', job: 'b' }, { type: 'job-ended', job: 'a' }]);
    expect(stateOf(serving)).toEqual({ kind: 'serving', layers: [10, 20], jobs: 1 });
    expect(stateOf(after([{ type: 'job-ended', job: 'b' }], serving)).kind).toBe('ready');
  });

  it('shows a spare as waiting, with the reason', () => {
    expect(stateOf(after([...JOIN.slice(0, 4), { type: 'assigned', id: 1, layers: null, standby: false }]))).toEqual({ kind: 'waiting', why: 'spare' });
  });

  it('shows what a spare stands by with, while it loads and when it could take over, and takes over with it', () => {
    const spare: ContributionEvent[] = [...JOIN.slice(0, 4), { type: 'assigned', id: 1, layers: [10, 20], standby: true }, shards('loading')];
    const loading = stateOf(after(spare));
    expect(loading).toEqual({ kind: 'waiting', why: 'standby', standby: [10, 20], loaded: false, loadedBytes: 10, totalBytes: 40 });
    expect([standbyOf(loading), loadingOf(loading)?.totalBytes]).toEqual([[10, 20], 40]);
    const loaded = after([...spare, shards('ready')]);
    expect(stateOf(loaded)).toMatchObject({ why: 'standby', loaded: true });
    expect(loadingOf(stateOf(loaded))).toBeUndefined();
    const taken = stateOf(after([{ type: 'assigned', id: 2, layers: [10, 20], standby: false }, shards('ready', 2)], loaded));
    expect([taken, standbyOf(taken)]).toEqual([{ kind: 'ready', layers: [10, 20] }, undefined]);
  });

  it('tells loading progress, and ignores that of an assignment that was replaced', () => {
    const loading = after([...JOIN.slice(0, 5), shards('loading', 1, 30)]);
    expect(stateOf(loading)).toEqual({ kind: 'loading', layers: [10, 20], loadedBytes: 30, totalBytes: 40 });
    const replaced = after([{ type: 'assigned', id: 2, layers: [0, 10], standby: false }, shards('ready', 1)], loading);
    expect(stateOf(replaced).kind).toBe('loading');
  });

  it('forgets layers and jobs when the connection is lost, and goes on after the next welcome', () => {
    const lost = after([...JOIN, { type: 'job-began', job: 'a' }, { type: 'connection-lost' }]);
    expect(stateOf(lost)).toEqual({ kind: 'connecting', again: true });
    expect(stateOf(after([{ type: 'joined' }], lost))).toEqual({ kind: 'waiting', why: 'placement' });
    expect(stateOf(after([{ type: 'joined' }, { type: 'assigned', id: 7, layers: [0, 30], standby: false }, shards('ready', 7)], lost)).kind).toBe('ready');
  });

  it('does not call a first connection that fails a lost one', () => {
    expect(stateOf(after([{ type: 'started' }, { type: 'connection-lost' }]))).toEqual({ kind: 'connecting', again: false });
  });

  it('shows the true reason of a pause, until it is over', () => {
    const paused = after([...JOIN, { type: 'paused', reason: 'battery' }]);
    expect(stateOf(paused)).toEqual({ kind: 'paused', reason: 'battery' });
    expect(stateOf(after([{ type: 'resumed' }, { type: 'profiled' }], paused)).kind).toBe('waiting');
  });

  it('names a failed load without giving up: the coordinator may assign again', () => {
    const failed = after([...JOIN.slice(0, 5), shards('failed')]);
    expect(stateOf(failed)).toMatchObject({ kind: 'error', code: 'shards-failed', message: 'shard layer-3: wrong hash' });
    expect(stateOf(after([{ type: 'assigned', id: 2, layers: [0, 10], standby: false }], failed)).kind).toBe('loading');
  });

  it.each<[string, ContributionEvent]>([
    ['stopped', { type: 'stopped' }],
    ['error', { type: 'failed', trouble: { code: 'x', message: 'y', todo: 'z' } }],
    ['unsupported', { type: 'unsupported', reason: 'no-webrtc' }],
  ])('stays %s whatever comes late', (kind, event) => {
    const late: ContributionEvent[] = [shards('ready'), { type: 'joined' }, { type: 'assigned', id: 9, layers: [0, 1], standby: false }, { type: 'job-began', job: 'a' }, { type: 'connection-lost' }, { type: 'resumed' }];
    expect(stateOf(after([...JOIN, event, ...late])).kind).toBe(kind);
  });
});
