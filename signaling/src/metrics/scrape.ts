import { performance } from 'node:perf_hooks';
import { credits } from './coordinator-metrics.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { SchedulerStatus } from '../scheduler/job-runner.ts';
import type { CoordinatorMetrics } from './coordinator-metrics.ts';
import type { Readiness } from './readiness.ts';

/** What a scrape looks at, beside what was counted. */
export interface ScrapeSources {
  status(): SchedulerStatus;
  connections(): number;
  readonly readiness: Readiness;
  /** Base units of accounts; rejects when the database does not answer. */
  balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, bigint>>;
}

const POOL = 'pool';
const FEES = ['fee', 'fee:paid'] as const;
const ROUTES = ['direct', 'turn', 'relay'] as const;
type Utilisation = ReturnType<typeof performance.eventLoopUtilization>;

/** Text of all metrics in Prometheus' format, with gauges of this moment. A database that does not answer leaves its gauges out, and `ciro_ready` says so. */
export class Scrape {
  readonly #metrics: CoordinatorMetrics;
  readonly #sources: ScrapeSources;
  #loop: Utilisation = performance.eventLoopUtilization();

  constructor(metrics: CoordinatorMetrics, sources: ScrapeSources) {
    this.#metrics = metrics;
    this.#sources = sources;
    metrics.set.started.set(Math.round(Date.now() / 1000 - process.uptime()));
  }

  get contentType(): string {
    return this.#metrics.set.registry.contentType;
  }

  async text(): Promise<string> {
    this.#network();
    this.#process();
    const checks = await this.#sources.readiness.checks();
    for (const { name, ok } of checks) this.#metrics.set.ready.set({ check: name }, ok ? 1 : 0);
    if (checks.every(({ name, ok }) => name !== 'store' || ok)) await this.#money();
    return this.#metrics.set.registry.metrics();
  }

  #network(): void {
    const { set } = this.#metrics;
    const { placed, spare, missing, rings, running, queued, links } = this.#sources.status();
    set.connections.set(this.#sources.connections());
    set.workers.set({ state: 'stage' }, placed);
    set.workers.set({ state: 'spare' }, spare);
    set.missing.set(missing);
    const ready = rings.filter((ring) => ring.ready).length;
    set.rings.set({ ready: 'true' }, ready);
    set.rings.set({ ready: 'false' }, rings.length - ready);
    set.running.set(running);
    set.queued.set(queued);
    for (const route of ROUTES) {
      const open = links.filter((link) => link.open && link.route === route);
      set.links.set({ route }, open.length);
      set.linkSeconds.set({ route }, open.length === 0 ? 0 : open.reduce((sum, { rttMs }) => sum + rttMs, 0) / open.length / 1000);
    }
  }

  #process(): void {
    const { set } = this.#metrics;
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const loop = performance.eventLoopUtilization();
    set.memory.set(rss);
    set.heap.set(heapUsed);
    set.processor.reset();
    set.processor.inc((user + system) / 1e6);
    set.loopBusy.set(performance.eventLoopUtilization(loop, this.#loop).utilization);
    this.#loop = loop;
  }

  async #money(): Promise<void> {
    const { set } = this.#metrics;
    const balances = await this.#sources.balances([POOL, ...FEES]);
    set.pool.set(credits(balances.get(POOL) ?? 0n));
    set.fees.set(credits(FEES.reduce((sum, account) => sum + (balances.get(account) ?? 0n), 0n)));
  }
}
