import type { NodeId } from '@ciro/core/ids.ts';
import { MAX_LISTED_NODES, RECORDS_A_WRITE } from './session-limits.ts';
import { withUpdate } from './node-records.ts';
import type { Clock } from './clock.ts';
import type { NodeRecords, NodeUpdate, StoredNode } from './node-records.ts';
import type { WorkerIdentity } from './worker.ts';

type Sums = Pick<NodeUpdate, 'connectedMs' | 'latencyTotalMs' | 'latencySamples' | 'computeContributed' | 'jobsServed' | 'jobsFailed'>;

interface Page {
  readonly publicKey: string;
  sums: Sums;
  /** Connections of this node that are open, and since when their time is not yet in `sums`. */
  connected: boolean;
  since: number;
}

const nothing = (): Sums => ({ connectedMs: 0, latencyTotalMs: 0, latencySamples: 0, computeContributed: 0, jobsServed: 0, jobsFailed: 0 });

/** Sums of connected nodes between two writes to the store: a few writes a flush instead of one per ping. */
export class RecordBook {
  readonly #records: NodeRecords;
  readonly #clock: Clock;
  readonly #pages = new Map<NodeId, Page>();

  constructor(deps: { records: NodeRecords; clock: Clock }) {
    this.#records = deps.records;
    this.#clock = deps.clock;
  }

  /** The node's connected time counts from now on; again is harmless, one connection replaces another. */
  connected(identity: WorkerIdentity): void {
    const page = this.#page(identity);
    if (page.connected) return;
    page.connected = true;
    page.since = this.#clock.now();
  }

  /** Its connected time stops counting; what it sums to is written by the next flush. */
  disconnected(nodeId: NodeId): void {
    const page = this.#pages.get(nodeId);
    if (page === undefined || !page.connected) return;
    this.#settle(page);
    page.connected = false;
  }

  /** Adds a round trip, compute that was paid, a job that was served. */
  add(identity: WorkerIdentity, added: Partial<Sums>): void {
    const page = this.#page(identity);
    for (const [key, value] of Object.entries(added)) page.sums = { ...page.sums, [key]: page.sums[key as keyof Sums] + value };
  }

  /** Writes everything that is not written yet, and forgets nodes that are gone. A failed write is kept for the next flush. */
  async flush(): Promise<void> {
    const failures: unknown[] = [];
    const pages = [...this.#pages];
    let failed = 0;
    for (let from = 0; from < pages.length; from += RECORDS_A_WRITE) {
      const taken = pages.slice(from, from + RECORDS_A_WRITE).map(([nodeId, page]) => ({ nodeId, page, sums: this.#take(nodeId, page) }));
      try {
        await this.#records.add(taken.map(({ nodeId, page, sums }) => ({ nodeId, publicKey: page.publicKey, at: this.#clock.now(), ...sums })));
      } catch (error) {
        failures.push(error);
        failed += taken.length;
        for (const { nodeId, page, sums } of taken) this.#restore(nodeId, page, sums);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failed} node records could not be written; they are tried again at the next flush`);
  }

  /** Stored nodes with what is not stored yet, newest first. */
  async list(): Promise<StoredNode[]> {
    const nodes = new Map((await this.#records.list(MAX_LISTED_NODES)).map((node) => [node.nodeId, node]));
    for (const [nodeId, page] of this.#pages) nodes.set(nodeId, this.#withPage(nodes.get(nodeId), nodeId, page));
    return [...nodes.values()].sort((a, b) => b.lastSeen - a.lastSeen || (a.nodeId < b.nodeId ? -1 : 1)).slice(0, MAX_LISTED_NODES);
  }

  /** One node's record with what is not stored yet; undefined when it was never seen. */
  async find(nodeId: NodeId): Promise<StoredNode | undefined> {
    const stored = await this.#records.find(nodeId);
    const page = this.#pages.get(nodeId);
    return page === undefined ? stored : this.#withPage(stored, nodeId, page);
  }

  /** What is to be written of a page; one of a node that is gone is forgotten. */
  #take(nodeId: NodeId, page: Page): Sums {
    if (page.connected) this.#settle(page);
    const { sums } = page;
    page.sums = nothing();
    if (!page.connected) this.#pages.delete(nodeId);
    return sums;
  }

  #withPage(stored: StoredNode | undefined, nodeId: NodeId, page: Page): StoredNode {
    if (page.connected) this.#settle(page);
    return withUpdate(stored, { nodeId, publicKey: page.publicKey, at: this.#clock.now(), ...page.sums });
  }

  #page(identity: WorkerIdentity): Page {
    let page = this.#pages.get(identity.nodeId);
    if (page === undefined) {
      page = { publicKey: identity.identityPublicKey, sums: nothing(), connected: false, since: 0 };
      this.#pages.set(identity.nodeId, page);
    }
    return page;
  }

  /** Moves connected time up to now into the sums. */
  #settle(page: Page): void {
    const now = this.#clock.now();
    page.sums = { ...page.sums, connectedMs: page.sums.connectedMs + now - page.since };
    page.since = now;
  }

  /** Puts sums that were not written back, beside whatever came in since. */
  #restore(nodeId: NodeId, page: Page, sums: Sums): void {
    const current = this.#pages.get(nodeId) ?? page;
    this.#pages.set(nodeId, current);
    for (const [key, value] of Object.entries(sums)) current.sums = { ...current.sums, [key]: current.sums[key as keyof Sums] + value };
  }
}
