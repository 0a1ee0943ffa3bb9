import { instanceOf } from './instance.ts';
import type { Instance, StoredInstance } from './instance.ts';

/** Workers that an instance gathers before the next one is begun: fewer make no two rings, and a split network would have none at all. */
export const LEAST_HOME_WORKERS = 32;
/** Jobs a ring by which another instance must be ahead before a question is passed on: what is known of others is a second old. */
const JOBS_AHEAD = 4;

/**
 * Where a worker that connects is at home (SPEC Z2): with whom has workers, and too few for a ring, the one with most; else, once every home has LEAST_HOME_WORKERS,
 * with whom has none; else where fewest are. Undefined when everybody is about to end.
 */
export function homeOf(instances: readonly Instance[]): Instance | undefined {
  const open = instances.filter(({ said }) => !said.draining);
  const homes = open.filter(({ said }) => said.workers > 0);
  const forming = homes.filter(({ said }) => said.missing > 0);
  if (forming.length > 0) return least(forming, ({ said }) => -said.workers);
  const isFull = homes.every(({ said }) => said.workers >= LEAST_HOME_WORKERS);
  const next = open.find(({ said }) => said.workers === 0);
  return isFull && next !== undefined ? next : least(homes, ({ said }) => said.workers);
}

/** Who takes a question that came to `self` (SPEC Z3): `self` where its rings are not much busier than others', else whose rings have least to do; `self` where nobody has a ring. */
export function answererOf(instances: readonly Instance[], self: number): number {
  const serving = instances.filter(({ said }) => !said.draining && said.rings > 0);
  const best = least(serving, busyness);
  const own = serving.find(({ number }) => number === self);
  if (best === undefined) return least(instances.filter(({ said }) => !said.draining), ({ number, said }) => (number === self ? -Infinity : -said.workers))?.number ?? self;
  return own !== undefined && busyness(own) <= busyness(best) + JOBS_AHEAD ? self : best.number;
}

/** Who knows of a job while it is under way: whoever made its id, or goes on with what that one left (SPEC Z4); undefined when nobody of them is alive. */
export function ownerOf(job: string, known: readonly StoredInstance[]): number | undefined {
  const seen = new Set<number>();
  for (let number = instanceOf(job); !seen.has(number); ) {
    seen.add(number);
    const found = known.find((each) => each.number === number);
    if (found === undefined) return undefined;
    if (found.alive) return number;
    if (found.successor === null) return undefined;
    number = found.successor;
  }
  return undefined;
}

/** Jobs at a time over one ring. */
const busyness = ({ said }: Instance): number => said.jobs / said.rings;

/** The item with the smallest figure, the first of several. */
function least<Item>(items: readonly Item[], figure: (item: Item) => number): Item | undefined {
  let best: Item | undefined;
  for (const item of items) if (best === undefined || figure(item) < figure(best)) best = item;
  return best;
}
