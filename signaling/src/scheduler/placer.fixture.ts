import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { Placer } from './placer.ts';
import { Workforce } from './workforce.ts';
import { FakeStandings, FakeWorkers, models, relayOf } from './workers.fixture.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { PlacerOptions } from './placer.ts';

/** A placer over workers that a test moves by hand. `lost`: what it told of lost stages and links; `placed`: the ring by number. */
export function setup(options: PlacerOptions = {}) {
  const clock = new VirtualClock();
  const workers = new FakeWorkers();
  const standings = new FakeStandings();
  const lost: string[] = [];
  const state = { busy: false };
  const force: Workforce = new Workforce({ clock, workers, standings }, {
    loaded: () => placer.loaded(),
    loadFailed: (worker, reason) => placer.loadFailed(worker, reason),
    rested: () => placer.settle(),
  });
  const placer = new Placer({ clock, workers, standings, force, models, introductions: relayOf(workers) }, options, {
    placementChanged: () => placer.replaceIfIdle(),
    stageLost: (worker, reason) => lost.push(`${Number.parseInt(worker, 16)}: ${reason}`),
    linkLost: () => lost.push('link'),
    busy: () => state.busy,
  });
  standings.onDemoted(() => placer.demoted());
  workers.observe({
    joined: (worker) => placer.joined(worker),
    left: (worker, reason, returns) => placer.left(worker, reason, returns),
    message: (from, message) => {
      if (message.type === 'shards') force.assignments.shards(from, message);
      if (message.type === 'link') placer.link(from, message);
    },
  });
  const join = (count: number): void => Array.from({ length: count }, (_, n) => n + 1).forEach((n) => workers.join(n));
  /** One worker's newest assignment in this state. */
  const shards = (worker: NodeId, state: 'loading' | 'ready' | 'failed', loadedBytes = 5): void => {
    const assignment = workers.sentOf('assign', worker).at(-1)?.assignment ?? 0;
    workers.say(worker, { type: 'shards', assignment, state, loadedBytes, totalBytes: 9, fetchedBytes: 0, ...(state === 'failed' && { error: 'no disk' }) });
  };
  const placed = (): (number | null)[] => placer.stages.map(({ worker }) => (worker === null ? null : Number.parseInt(worker, 16)));
  /** Who stands by with what, by number. */
  const standing = (): Record<number, readonly number[]> =>
    Object.fromEntries(Object.entries(workers.layers).flatMap(([node, layers]) => (layers === null || placed().includes(Number.parseInt(node, 16)) ? [] : [[Number.parseInt(node, 16), layers]])));
  return { clock, workers, standings, force, placer, lost, state, join, shards, placed, standing };
}
