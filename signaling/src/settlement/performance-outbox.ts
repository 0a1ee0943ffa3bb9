import { draftPerformance, MAX_COUNT, MAX_PERFORMERS } from '@ciro/core/settlement/performance.ts';
import { hex } from '@ciro/core/settlement/epoch.ts';
import { proofOf, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { RESEND_AFTER_MS } from './epoch-outbox.ts';
import { SettlementServiceError } from './service-error.ts';
import type { EpochTree } from '@ciro/core/settlement/epoch-tree.ts';
import type { PerformanceData, PerformanceEntry } from '@ciro/core/settlement/performance.ts';
import type { PayoutBook } from './payout-book.ts';
import type { FiguresPort, PerformanceGrower, PerformancePort, PerformanceStore, StoredPerformance } from './performance-ports.ts';
import type { SettlementEvent, SettlementStore } from './ports.ts';

/** Epochs whose performance is kept: a week of one an hour, far longer than any proof is of use. */
const KEPT = 168;
/** Epochs that are looked through for the newest that is on the chain. */
const LOOKED_THROUGH = 8;

export interface PerformanceDeps {
  readonly pool: PerformancePort;
  readonly store: PerformanceStore;
  readonly epochs: Pick<SettlementStore, 'list'>;
  readonly figures: FiguresPort;
  readonly grow: PerformanceGrower;
  readonly payouts: Pick<PayoutBook, 'accounts'>;
  readonly now: () => number;
  readonly onEvent: (event: SettlementEvent) => void;
}

/** One worker's place in an epoch's performance, as the pool's `prove_active` wants it. */
export interface PerformanceProof extends PerformanceEntry {
  readonly epoch: number;
  readonly pool: string;
  readonly index: number;
  readonly root: string;
  /** Siblings, lowest first; 0x hex. */
  readonly proof: readonly string[];
}

/** Computes what workers did up to an epoch, publishes it, and brings its root to the pool (SPEC X11). What it knows is in the store and on the chain: it may end between any two steps. */
export class PerformanceOutbox {
  readonly #deps: PerformanceDeps;
  /** The tree that was asked for last, or made last. */
  #tree: { readonly root: string; readonly tree: Promise<EpochTree> } | undefined;
  /** Epoch up to which nothing changed since the one that is stored: not looked at again. */
  #unchanged = 0;

  constructor(deps: PerformanceDeps) {
    this.#deps = deps;
  }

  /** One look: sends what is stored and not on the chain, or else computes what is due. Throws `foreign-root`, and what the chain throws. */
  async step(): Promise<void> {
    const newest = await this.#deps.store.newest();
    if (newest !== undefined && !(await this.#isRecorded(newest))) return this.#send(newest);
    const data = await this.#computeDue(newest?.data);
    if (data !== undefined) await this.#send({ data, transaction: null, postedAt: null });
  }

  /** What was published with an epoch. */
  async data(epoch: number): Promise<PerformanceData | undefined> {
    return (await this.#deps.store.find(epoch))?.data;
  }

  /** What `prove_active` needs for a worker; undefined when it is not among the workers of the newest performance, or that is of another epoch: older trees would be hashed again for whoever asks. */
  async proof(epoch: number, worker: string): Promise<PerformanceProof | undefined> {
    const data = (await this.#deps.store.newest())?.data;
    if (data?.epoch !== epoch) return undefined;
    const index = data.entries.findIndex((entry) => entry.worker === worker);
    const entry = data.entries[index];
    if (entry === undefined) return undefined;
    return { epoch, pool: data.pool, index, ...entry, root: data.root, proof: proofOf(await this.#treeOf(data), index).map(hex) };
  }

  async #isRecorded({ data }: StoredPerformance): Promise<boolean> {
    const { epoch, root } = data;
    const found = await this.#deps.pool.recorded(epoch);
    if (found !== undefined && BigInt(found.root) !== BigInt(root)) {
      throw new SettlementServiceError('foreign-root', `the pool has root ${found.root} for the performance of epoch ${epoch}, and ours is ${root}; somebody else posts with the settler's key, or this database is not the one that posted it`, { fault: 'platform', fields: { epoch, root, found: found.root } });
    }
    return found !== undefined;
  }

  /** Sends it, unless a transaction that may still bring it is on its way. */
  async #send({ data, postedAt }: StoredPerformance): Promise<void> {
    const { pool, store, now, onEvent } = this.#deps;
    if (postedAt !== null && now() - postedAt < RESEND_AFTER_MS) return;
    const transaction = await pool.record(data);
    await store.mark(data.epoch, transaction, now());
    onEvent({ type: 'performance-posted', epoch: data.epoch, transaction, workers: data.count });
  }

  /** Of the newest epoch that is on the chain, when something changed since the last one; stored before it is sent. */
  async #computeDue(before: PerformanceData | undefined): Promise<PerformanceData | undefined> {
    const { epochs, pool, store } = this.#deps;
    const settled = (await epochs.list(LOOKED_THROUGH)).find(({ state }) => state === 'confirmed' || state === 'claimable');
    const epoch = settled?.summary.epoch ?? 0;
    if (epoch <= Math.max(before?.epoch ?? 0, this.#unchanged)) return undefined;
    const entries = await this.#entries();
    const draft = entries.length === 0 ? undefined : draftPerformance({ chainId: pool.chainId, pool: pool.pool, epoch, entries });
    if (draft === undefined || JSON.stringify(draft.entries) === JSON.stringify(before?.entries)) {
      this.#unchanged = epoch;
      return undefined;
    }
    const tree = await this.#deps.grow(draft);
    const data = { ...draft, root: hex(rootOf(tree)) };
    this.#tree = { root: data.root, tree: Promise.resolve(tree) };
    await store.add(data, epoch - KEPT);
    return data;
  }

  /** Of the workers seen last, those that did anything. */
  async #entries(): Promise<PerformanceEntry[]> {
    const figures = (await this.#deps.figures(MAX_PERFORMERS)).filter(({ jobs, auditsPassed, auditsFailed }) => jobs + auditsPassed + auditsFailed > 0);
    const accounts = await this.#deps.payouts.accounts(figures.map(({ node }) => node));
    return figures.map(({ node, jobs, auditsPassed, auditsFailed, lastSeen }) => ({
      worker: accounts.get(node) ?? '',
      jobs: Math.min(jobs, MAX_COUNT),
      audits_passed: Math.min(auditsPassed, MAX_COUNT),
      audits_failed: Math.min(auditsFailed, MAX_COUNT),
      last_seen: Math.floor(lastSeen / 1_000),
    }));
  }

  #treeOf(data: PerformanceData): Promise<EpochTree> {
    if (this.#tree?.root !== data.root) {
      const tree = this.#deps.grow(data);
      this.#tree = { root: data.root, tree };
      tree.catch(() => {
        if (this.#tree?.tree === tree) this.#tree = undefined;
      });
    }
    return this.#tree.tree;
  }
}
