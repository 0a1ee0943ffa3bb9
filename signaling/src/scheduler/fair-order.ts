/** What decides when a waiting job's turn comes. */
export interface Turn {
  /** Lower ones go first. */
  readonly rank: number;
  readonly account: string;
}

/**
 * Jobs that wait, given in the order in which they came, in the order in which they are to begin: by rank, and among equals accounts
 * take turns, who has the fewest jobs running or before this one first. So an account that asks a hundred times makes another wait for one of its jobs at most, and
 * whoever is alone has all places. `running`: jobs under way by account.
 */
export function inFairOrder<Job>(waiting: readonly Job[], turnOf: (job: Job) => Turn, running: ReadonlyMap<string, number>): Job[] {
  const before = new Map(running);
  const left = waiting.map((job) => ({ job, ...turnOf(job) }));
  const order: Job[] = [];
  while (left.length > 0) {
    let next = 0;
    for (let at = 1; at < left.length; at++) if (isEarlier(left[at], left[next], before)) next = at;
    for (const { job, account } of left.splice(next, 1)) {
      order.push(job);
      before.set(account, (before.get(account) ?? 0) + 1);
    }
  }
  return order;
}

/** Equal ones keep their order: this is false of them. */
function isEarlier(a: Turn | undefined, b: Turn | undefined, before: ReadonlyMap<string, number>): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return (before.get(a.account) ?? 0) < (before.get(b.account) ?? 0);
}
