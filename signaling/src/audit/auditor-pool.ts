import { auditorWeight } from '@ciro/core/audit/auditor-draw.ts';
import type { AuditorCandidate } from '@ciro/core/audit/auditor-draw.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Clock } from '../sessions/clock.ts';
import { AUDITOR_REST_MS, AUDITOR_WAIT_MS, MAX_CANDIDATES } from './audit-limits.ts';
import { Ending } from './ending.ts';
import type { AuditWorkers, Standings } from './ports.ts';

/** Nodes whose first sight is kept in memory: it never changes. */
const MAX_KNOWN_NODES = 10_000;

interface PoolDeps {
  readonly clock: Clock;
  readonly workers: AuditWorkers;
  readonly standings: Standings;
}

/**
 * Who may audit now. A tab does one audit at a time, and one that was silent rests: so a worker that stalls takes itself out of
 * the draws and holds up nobody else's job.
 */
export class AuditorPool {
  readonly #deps: PoolDeps;
  readonly #busy = new Set<NodeId>();
  readonly #restsUntil = new Map<NodeId, number>();
  readonly #firstSeen = new Map<NodeId, number>();
  readonly #waiting = new Set<() => void>();

  constructor(deps: PoolDeps) {
    this.#deps = deps;
  }

  /**
   * Candidates for a stage of a job of these parties, with weights, by node id (SPEC A3), whether they audit something now or
   * not; empty when there is nobody. `beacon` says where a list that is too long is cut.
   */
  async candidates(parties: readonly NodeId[], beacon: HexHash): Promise<readonly AuditorCandidate[]> {
    const eligible = this.#deps.workers.workers().flatMap(({ nodeId }) => (parties.includes(nodeId) || !this.#mayAudit(nodeId) ? [] : nodeId));
    const now = this.#deps.clock.now();
    return Promise.all(cutAt(beacon, eligible).map(async (worker) => ({ worker, weight: auditorWeight(await this.#firstSeenOf(worker), now) })));
  }

  /** Takes the first of `order` that is there and free; waits a while when each audits something else. Undefined when nobody is there, or free in time. */
  async take(order: readonly NodeId[], signal: AbortSignal): Promise<NodeId | undefined> {
    const { clock } = this.#deps;
    const until = clock.now() + AUDITOR_WAIT_MS;
    for (;;) {
      const present = order.filter((worker) => this.#mayAudit(worker));
      const free = present.find((worker) => !this.#busy.has(worker));
      if (free !== undefined) this.#busy.add(free);
      if (free !== undefined || present.length === 0 || clock.now() >= until) return free;
      await this.#change(until - clock.now(), signal);
    }
  }

  /** Its audit is over; `rest` when it must not be drawn again soon. */
  free(worker: NodeId, rest: boolean): void {
    this.#busy.delete(worker);
    const now = this.#deps.clock.now();
    for (const [node, until] of this.#restsUntil) if (until <= now) this.#restsUntil.delete(node);
    if (rest) this.#restsUntil.set(worker, now + AUDITOR_REST_MS);
    this.changed();
  }

  /** Somebody came or left. */
  changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #mayAudit(worker: NodeId): boolean {
    if (this.#deps.workers.worker(worker) === undefined || this.#deps.standings.isDemoted(worker)) return false;
    return (this.#restsUntil.get(worker) ?? 0) <= this.#deps.clock.now();
  }

  async #firstSeenOf(worker: NodeId): Promise<number> {
    const known = this.#firstSeen.get(worker);
    if (known !== undefined) return known;
    const { firstSeen } = await this.#deps.standings.of(worker);
    if (this.#firstSeen.size >= MAX_KNOWN_NODES) this.#firstSeen.clear();
    this.#firstSeen.set(worker, firstSeen);
    return firstSeen;
  }

  async #change(ms: number, signal: AbortSignal): Promise<void> {
    const ending = new Ending<void>(this.#deps.clock, signal);
    const wake = (): void => ending.end();
    ending.within(ms, wake);
    this.#waiting.add(wake);
    await ending.result.finally(() => this.#waiting.delete(wake));
  }
}

/** At most MAX_CANDIDATES of them, from a place that nobody knew when ids could still be chosen. */
function cutAt(beacon: HexHash, workers: readonly NodeId[]): readonly NodeId[] {
  if (workers.length <= MAX_CANDIDATES) return workers;
  const first = workers.findIndex((worker) => worker >= beacon.slice(0, worker.length));
  const from = Math.max(0, first);
  return [...workers.slice(from), ...workers.slice(0, from)].slice(0, MAX_CANDIDATES).sort();
}
