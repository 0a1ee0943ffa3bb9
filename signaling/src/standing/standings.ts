import type { NodeId } from '@ciro/core/ids.ts';
import { publicNode, uptimeRatio } from '../sessions/node-records.ts';
import { medianOf, reputationOf } from './reputation.ts';
import { newStanding } from './standing-store.ts';
import type { Standing, Standings as StandingsPort } from '../audit/ports.ts';
import type { Clock } from '../sessions/clock.ts';
import type { PublicNode, StoredNode } from '../sessions/node-records.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Worker } from '../sessions/worker.ts';
import type { StandingChange, StandingStore, StoredStanding } from './standing-store.ts';

/** Demoted nodes that are known from the start on, about 100 bytes each; an older one that comes back is known a moment after it joined. */
export const MAX_REMEMBERED_DEMOTED = 100_000;

export interface StandingsDeps {
  readonly store: StandingStore;
  readonly clock: Clock;
  readonly workers: Pick<Sessions, 'workers' | 'worker' | 'observe' | 'records' | 'record'>;
  /** Hears of a standing that could not be read when its node joined: until the next change it counts as a newcomer. */
  readonly onError: (error: unknown) => void;
}

interface Known {
  readonly standing: StoredStanding;
  readonly record: StoredNode | undefined;
}

/** Conduct of every node: what audits found, and the reputation that follows from it and from how it served. */
export class Standings implements StandingsPort {
  readonly #deps: StandingsDeps;
  readonly #demoted: Set<NodeId>;
  /** Of connected nodes. */
  readonly #known = new Map<NodeId, Known>();
  readonly #listeners: ((node: NodeId) => void)[] = [];
  /** Of everybody who is connected, until somebody comes or goes; asked for with every change of any standing. */
  #median: number | null | undefined;

  /** Reads who is demoted, so that no placement is made with one of them. */
  static async open(deps: StandingsDeps): Promise<Standings> {
    return new Standings(deps, await deps.store.demoted(MAX_REMEMBERED_DEMOTED));
  }

  private constructor(deps: StandingsDeps, demoted: readonly NodeId[]) {
    this.#deps = deps;
    this.#demoted = new Set(demoted);
    deps.workers.observe({
      joined: ({ nodeId }) => {
        this.#median = undefined;
        void this.#meet(nodeId);
      },
      left: (nodeId) => {
        this.#median = undefined;
        this.#known.delete(nodeId);
      },
    });
  }

  async of(node: NodeId): Promise<Standing> {
    const standing = (await this.#deps.store.list([node])).get(node) ?? newStanding(this.#deps.clock.now());
    return this.#rated(node, standing);
  }

  passed(node: NodeId, { audited, suspicion }: { readonly audited: boolean; readonly suspicion: number }): Promise<Standing> {
    return this.#change(node, { passed: 1, successfulAudits: audited ? 1 : 0, suspicion });
  }

  /** Demotes: the node is placed no more, from before this is stored. */
  failed(node: NodeId): Promise<Standing> {
    this.#demote(node);
    return this.#change(node, { failedAudits: 1, demotedAt: this.#deps.clock.now() });
  }

  misjudged(node: NodeId): Promise<Standing> {
    return this.#change(node, { failedAudits: 1 });
  }

  /** The court set a conviction aside, once for its name: it counts no more, and the node is placed again unless others convict it (SPEC Q4). */
  async acquitted(node: NodeId, name: string, staysDemoted: boolean): Promise<Standing> {
    const { store, clock } = this.#deps;
    const standing = await store.acquit(node, name, staysDemoted, clock.now());
    if (standing.demotedAt === null) this.#demoted.delete(node);
    return this.#rated(node, standing);
  }

  isDemoted(node: NodeId): boolean {
    return this.#demoted.has(node);
  }

  /** Calls `listener` when a node turns out to be demoted. */
  onDemoted(listener: (node: NodeId) => void): void {
    this.#listeners.push(listener);
  }

  /** Reputation of each of these workers by what is in memory; speeds are compared among them. */
  reputations(workers: readonly Worker[]): ReadonlyMap<NodeId, number> {
    const median = medianLayerMs(workers);
    return new Map(workers.map((worker) => [worker.nodeId, this.#reputation(worker.nodeId, this.#known.get(worker.nodeId), worker, median)]));
  }

  /** Public records of nodes for `/v1/nodes`, the newest first. */
  async nodes(): Promise<PublicNode[]> {
    const { clock, store, workers } = this.#deps;
    const records = await workers.records();
    const standings = await store.list(records.map(({ nodeId }) => nodeId));
    const now = clock.now();
    const median = this.#medianHere();
    return records.map((record) => {
      const standing = standings.get(record.nodeId) ?? newStanding(record.firstSeen);
      const reputation = this.#reputation(record.nodeId, { standing, record }, workers.worker(record.nodeId), median);
      return publicNode(record, { ...standing, reputation }, now);
    });
  }

  /** Makes the standing of a node that is here for the first time, and keeps it at hand while it is connected. */
  async #meet(node: NodeId): Promise<void> {
    try {
      await this.#change(node, {});
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  async #change(node: NodeId, change: StandingChange): Promise<Standing> {
    const { clock, store } = this.#deps;
    const standing = await store.change(node, change, clock.now());
    if (standing.demotedAt !== null) this.#demote(node);
    return this.#rated(node, standing);
  }

  async #rated(node: NodeId, standing: StoredStanding): Promise<Standing> {
    const { workers } = this.#deps;
    const known = { standing, record: await workers.record(node) };
    const worker = workers.worker(node);
    if (worker !== undefined) this.#known.set(node, known);
    return { ...standing, reputation: this.#reputation(node, known, worker, this.#medianHere()) };
  }

  #medianHere(): number | null {
    if (this.#median === undefined) this.#median = medianLayerMs(this.#deps.workers.workers());
    return this.#median;
  }

  #demote(node: NodeId): void {
    if (this.#demoted.has(node)) return;
    this.#demoted.add(node);
    for (const listener of this.#listeners) listener(node);
  }

  #reputation(node: NodeId, known: Known | undefined, worker: Worker | undefined, median: number | null): number {
    const { standing = newStanding(0), record } = known ?? {};
    const layerMs = worker?.profile.layerMs;
    return reputationOf({
      jobsServed: record?.jobsServed ?? 0,
      jobsFailed: record?.jobsFailed ?? 0,
      successfulAudits: standing.successfulAudits,
      failedAudits: standing.failedAudits,
      uptime: record === undefined ? 1 : uptimeRatio(record, this.#deps.clock.now()),
      speed: layerMs === undefined || median === null ? null : layerMs <= median ? 1 : median / layerMs,
      demoted: this.#demoted.has(node),
    });
  }
}

const medianLayerMs = (workers: readonly Worker[]): number | null => medianOf(workers.map(({ profile }) => profile.layerMs));
