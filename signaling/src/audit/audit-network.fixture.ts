import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { generateCoordinatorKey } from '../keys/coordinator-key.ts';
import { FakeWorkers, jobId, nodeId } from '../scheduler/workers.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { AuditDesk } from './audit-desk.ts';
import { MemoryAuditStore } from './memory-audit-store.fixture.ts';
import { playJob } from './played-job.fixture.ts';
import { Tab, toyIds } from './tab.fixture.ts';
import { ToyStage, TOY_MANIFEST, TOY_MODEL_ID } from './toy-stage.fixture.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { AuditDeskDeps, AuditDeskOptions, AuditResult } from './audit-desk.ts';
import type { JobToAudit } from './job-audit.ts';
import type { JobWish, PlayedJob } from './played-job.fixture.ts';
import type { AuditMoney, ReferenceRun, ReferenceTask, Standing, Standings } from './ports.ts';

const DAY_MS = 86_400_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Standings as the rules have them, in memory. */
export class FakeStandings implements Standings {
  readonly records = new Map<NodeId, Standing>();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  set(node: NodeId, change: Partial<Standing>): Standing {
    const before = this.records.get(node) ?? { passed: 0, successfulAudits: 0, failedAudits: 0, suspicion: 0, demotedAt: null, firstSeen: this.#clock.now(), reputation: 0 };
    const after = { ...before, ...change };
    this.records.set(node, after);
    return after;
  }

  async of(node: NodeId): Promise<Standing> {
    return this.set(node, {});
  }

  async passed(node: NodeId, { audited, suspicion }: { audited: boolean; suspicion: number }): Promise<Standing> {
    const { passed, successfulAudits } = this.set(node, {});
    return this.set(node, { passed: passed + 1, successfulAudits: successfulAudits + (audited ? 1 : 0), suspicion });
  }

  async failed(node: NodeId): Promise<Standing> {
    return this.set(node, { failedAudits: this.set(node, {}).failedAudits + 1, demotedAt: this.#clock.now() });
  }

  async misjudged(node: NodeId): Promise<Standing> {
    return this.set(node, { failedAudits: this.set(node, {}).failedAudits + 1 });
  }

  isDemoted(node: NodeId): boolean {
    return (this.records.get(node)?.demotedAt ?? null) !== null;
  }
}

/** Writes down what is booked, as `payable JOB NODE 5000` and so on, with last digits for names. */
export class FakeMoney implements AuditMoney {
  readonly booked: string[] = [];
  /** Thrown by the next booking whose text begins with it. */
  failOn: string | undefined;

  /** By node; a full bond where nothing is said. */
  readonly stakes = new Map<NodeId, Stake>();

  stake = async (_job: string, worker: NodeId): Promise<Stake> => this.stakes.get(worker) ?? { credit: 1n, bond: 99n };
  payable = async (job: string, worker: NodeId, withheld: bigint): Promise<void> => this.#book(`payable ${short(job)} ${short(worker)} ${withheld}`);
  unpaid = async (job: string, worker: NodeId): Promise<void> => this.#book(`unpaid ${short(job)} ${short(worker)}`);
  failed = async (job: string, convicted: readonly NodeId[]): Promise<void> => this.#book(`failed ${short(job)} ${convicted.map(short).join()}`);
  auditPaid = async (_audit: string, job: string, auditor: NodeId, amount: bigint): Promise<void> => this.#book(`audit ${short(job)} ${short(auditor)} ${amount}`);

  #book(text: string): void {
    if (this.failOn !== undefined && text.startsWith(this.failOn)) throw new Error(`no database for ${text}`);
    this.booked.push(text);
  }
}

export const short = (id: string): number => Number.parseInt(id.slice(-4), 16);

/** The toy model as the coordinator runs it. */
export class FakeReference implements ReferenceRun {
  runs = 0;
  instead: (() => Promise<never>) | undefined;
  /** What comes of near rows (SPEC A10); a test may find that they turned an id. */
  followed: (follow: NonNullable<ReferenceTask['follow']>) => ReturnType<typeof toyIds> | null = () => null;

  async run({ layers, inputs, check, follow }: ReferenceTask): Promise<{ rows: Float32Array; ids: ReturnType<typeof toyIds> | null }> {
    this.runs++;
    if (this.instead !== undefined) await this.instead();
    const rows = new ToyStage(layers).all(inputs);
    if (check !== undefined) return { rows, ids: toyIds(check.payload, rows, check.sampling) };
    return { rows, ids: follow === undefined ? null : this.followed(follow) };
  }
}

/** Scripted tabs around a real desk, in virtual time. */
export class AuditNetwork extends FakeWorkers {
  readonly clock = new VirtualClock(1_700_000_000_000);
  readonly standings = new FakeStandings(this.clock);
  readonly money = new FakeMoney();
  readonly store = new MemoryAuditStore();
  readonly reference = new FakeReference();
  readonly errors: unknown[] = [];
  readonly tabs = new Map<NodeId, Tab>();
  readonly key: CoordinatorKey;
  /** Messages in either direction so far: when it stands still, nothing happens. */
  traffic = 0;
  /** Messages that tabs have not dealt with yet. */
  #answering = 0;
  #random = 0;

  private constructor(key: CoordinatorKey) {
    super();
    this.key = key;
  }

  /** `tabs` connected tabs 1, 2, …; known for a month and with a long record, so that rates are low. */
  static async make(tabs: number, options: { engines?: readonly ('wasm' | 'webgpu')[]; passed?: number } = {}): Promise<AuditNetwork> {
    const network = new AuditNetwork(await generateCoordinatorKey());
    for (let n = 1; n <= tabs; n++) await network.add(n, { engine: options.engines?.[n - 1] ?? 'wasm', passed: options.passed ?? 1_000 });
    return network;
  }

  get deps(): AuditDeskDeps {
    const { clock, standings, money, store, reference, key, errors } = this;
    return {
      ...{ clock, workers: this, standings, money, store, reference, key },
      randomBytes: (length) => new Uint8Array(length).map((_, index) => (index < 4 ? (++this.#random >> (8 * index)) & 255 : 7)),
      models: { get: (id) => (id === TOY_MODEL_ID ? { manifest: TOY_MANIFEST } : undefined) },
      onError: (error) => void errors.push(error),
    };
  }

  desk(options: AuditDeskOptions = {}): AuditDesk {
    return new AuditDesk(this.deps, options);
  }

  async add(n: number, options: { engine?: 'wasm' | 'webgpu'; passed?: number; nonce?: string | null } = {}): Promise<Tab> {
    const tab = await Tab.make(nodeId(n), options);
    tab.say = (message) => {
      this.traffic++;
      this.say(tab.node, message);
    };
    this.tabs.set(tab.node, tab);
    this.standings.set(tab.node, { passed: options.passed ?? 1_000, firstSeen: this.clock.now() - 60 * DAY_MS });
    this.join(n, { engine: tab.engine }, { devicePublicKey: tab.devicePublicKey });
    return tab;
  }

  tab(n: number): Tab {
    const tab = this.tabs.get(nodeId(n));
    if (tab === undefined) throw new Error(`no tab ${n}`);
    return tab;
  }

  override send(to: NodeId, message: CoordinatorMessage): void {
    super.send(to, message);
    this.traffic++;
    const tab = this.worker(to) === undefined ? undefined : this.tabs.get(to);
    if (tab === undefined) return;
    this.#answering++;
    setImmediate(() => void tab.receive(message).finally(() => this.#answering--));
  }

  /** A job over tabs 1 to `stages` (or `by`), which keep its rows. */
  play(n: number, wish: Partial<Omit<JobWish, 'job' | 'players'>> & { by?: readonly number[]; stages?: number } = {}): PlayedJob {
    const by = wish.by ?? Array.from({ length: wish.stages ?? 3 }, (_, index) => index + 1);
    const played = playJob({ prompt: Array.from({ length: 20 }, (_, index) => (index * 7 + n) % 61), tokens: 30, ...wish, job: jobId(n), players: by.map((each) => this.tab(each)) });
    by.forEach((each, stage) => this.tab(each).keep(played, stage));
    return played;
  }

  /** Real time passes until nothing is said any more; virtual time stands still. */
  async quiet(): Promise<void> {
    for (let still = 0, seen = this.traffic; still < 12; still = this.traffic === seen && this.#answering === 0 ? still + 1 : 0) {
      seen = this.traffic;
      await sleep(1);
    }
  }

  /** Lets virtual time pass, slowly against real time, until the promise is settled. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false;
    promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (let steps = 0; !settled; steps++) {
      if (steps > 4_000) throw new Error('nothing came of it in virtual minutes');
      await sleep(1);
      this.clock.advance(20);
    }
    return promise;
  }

  /** Virtual time passes at once, after what was under way. */
  async pass(ms: number): Promise<void> {
    await this.quiet();
    this.clock.advance(ms);
    await this.quiet();
  }

  audit(desk: AuditDesk, { record }: PlayedJob, change: Partial<JobToAudit> = {}): Promise<AuditResult> {
    return desk.consider({ record, assurance: 'checked', createdAt: 0, ...change });
  }

  /** `CODE by NODE` of every offence. */
  get refused(): string[] {
    return this.offences.map(({ code, nodeId: node }) => `${code} by ${short(node)}`);
  }
}
