import { PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import type { DeviceBinding, JobRoot } from '@ciro/core/identity/identity.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Alarm } from '../audit/alarm.ts';
import type { AuditorState } from '../audit/audit-ports.ts';
import type { PieceMessage } from '../pipeline/piece-sender.ts';
import type { WeightsMoved } from '../shards/weights-tally.ts';
import type { ComputeHost, ComputeMessage, ComputeOrder, EngineChoice, EngineLoss, LayerTimes, MeasuredProfile } from '../worker/compute-api.ts';
import type { LinkOrder } from '../transport/link-manager.ts';
import type { ComputeThread } from './compute-thread.ts';
import type { ContributionEvent, PauseReason, Trouble } from './contribution-state.ts';
import type { JobWork, WorkMeter } from './work-meter.ts';
import { MAX_RECOVERIES, RECOVERY_WINDOW_MS, RecoveryBudget } from './recovery-budget.ts';
import { refusalTrouble } from './refusal-trouble.ts';
import type { RunWatch } from './run-watch.ts';
import type { WatchStore } from './watch-store.ts';
import type { FinishedWork, WorkStore } from './work-store.ts';

/** Finished jobs whose last unit has not been reported; one that never comes is forgotten beyond this. */
const MAX_UNFINISHED_ROOTS = 64;

/** What the coordinator is told of a loss. */
const MAX_LOSS_CHARACTERS = 500;
/** The first run of a graphics driver that was started anew: it compiles some dozens of programs, on a phone for seconds. */
const FIRST_GPU_RUN_MS = 2_500;
const RECOVERIES = `${MAX_RECOVERIES} times within ${RECOVERY_WINDOW_MS / 60_000} minutes`;
const GIVEN_UP = { engine: 'webgpu', reason: `it was lost more than ${RECOVERIES}` } as const;

/** What a person can do about an engine that is lost again and again, on the processor. */
const LOST_TODO: Record<EngineLoss['code'], string> = {
  'out-of-memory': 'Allow less memory below, or close other tabs and programs, then contribute again.',
  stuck: 'Close what keeps this device busy, then contribute again.',
  'device-lost': 'Restart the browser, then contribute again.',
  crashed: 'Restart the browser, or update it, then contribute again. Allowing less memory below may help, too.',
};

type Message<Type extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: Type }>;

/** The rest of the tab, as far as one contribution needs it. */
export interface ContributionPorts {
  /** False when nobody is connected. */
  send(message: WorkerMessage): boolean;
  /** Sends, and resolves when the connection has room for the next one of that size. False when it is gone. */
  sendWhenClear(message: WorkerMessage): Promise<boolean>;
  readonly compute: ComputeThread;
  readonly runs: Pick<RunWatch, 'expect' | 'began' | 'ended' | 'clear'>;
  readonly links: { handle(order: LinkOrder): void; connectionLost(): void; closeAll(): void };
  readonly wallet: {
    readonly nodeId: NodeId;
    readonly identityPublicKey: string;
    readonly devicePublicKey: string;
    readonly deviceKey: CryptoKey;
    /** By the vault's thread. */
    signBinding(binding: DeviceBinding): Promise<string>;
    signRoot(root: JobRoot): Promise<string>;
  };
  readonly meter: WorkMeter;
  readonly store: WorkStore & WatchStore;
  readonly clock: { /** Epoch milliseconds. */ now(): number; /** Monotonic milliseconds. */ monotonic(): number };
  event(event: ContributionEvent): void;
  // Figures beside the state; each is told before the event it belongs to.
  joined(model: { readonly id: string; readonly name: string } | undefined): void;
  measured(profile: MeasuredProfile): void;
  /** A job is over that took the engine `realMs` a position, where the profile says `expectedMs`. */
  worked?(realMs: number, expectedMs: number): void;
  shardsReady(): void;
  fetched(loadedBytes: number, fetchedBytes: number): void;
  credited(credit: Message<'credit'>): void;
  standing(standing: Message<'standing'>): void;
  auditing(state: AuditorState): void;
  weights(moved: WeightsMoved): void;
  alarm(alarm: Alarm): void;
  /** News of settlement, for whoever claims payouts. */
  settled(message: Message<'epoch-claimable' | 'sponsor-ticket' | 'sponsor-refused'>): void;
  fail(trouble: Trouble): void;
}

export interface ContributionOptions {
  readonly engine: EngineChoice;
  readonly relayOnly: boolean;
  readonly memoryBudgetBytes: number;
  readonly maxBatchJobs?: number;
  readonly maxDrafts?: number;
  readonly agent: string;
  readonly engineBase: string;
  readonly coordinatorBase: string;
  /** A phone or tablet. */
  readonly mobile: boolean;
}

/**
 * One contribution, from the first challenge to the last receipt: takes the coordinator's and the compute worker's messages
 * and calls the ports. Keeps no timers and touches no platform, so a test drives it message by message.
 */
export class Contribution {
  readonly #ports: ContributionPorts;
  readonly #options: ContributionOptions;
  readonly #ended = new Map<string, FinishedWork['reason']>();
  #challenge: Message<'challenge'> | undefined;
  #configuredFor = '';
  #resume: string | undefined;
  #joined = false;
  /** Counts connections and compute workers: what was begun for one is not gone on with for the next. */
  #life = 0;
  #paused = false;
  #hidden = false;
  /** The compute worker knows who it is and what to compute with; before that only assignments are kept for it. */
  #prepared = false;
  #kept: Message<'assign'> | undefined;
  /** Counts what was configured: hosts of all but the newest are deaf. */
  #workers = 0;
  readonly #recoveries = new RecoveryBudget();
  /** What to compute with: what the person chose, until a graphics device was lost too often. */
  #engine: EngineChoice;
  #model: { readonly id: string; readonly name: string } | undefined;
  #modelId: string | undefined;
  /** Layers of the newest assignment. */
  #layers = 0;
  #profile: MeasuredProfile | undefined;
  /** Browser and driver that the profile was measured with. */
  #measuredOn = '';

  constructor(ports: ContributionPorts, options: ContributionOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#engine = options.engine;
  }

  /** A message from the coordinator. */
  handle(message: CoordinatorMessage): void {
    switch (message.type) {
      case 'challenge':
        return this.#guard(this.#greet(message));
      case 'welcome':
        return this.#guard(this.#welcomed(message));
      case 'refused':
        return this.#ports.fail(refusalTrouble(message));
      case 'assign':
        return this.#assigned(message);
      case 'connect':
      case 'disconnect':
      case 'signal':
      case 'relay':
      case 'relay-taken':
        return this.#ports.links.handle(message);
      case 'plan':
        if (!this.#prepared) return; // the coordinator knows or is about to hear that this stage is lost
        this.#ports.runs.began(message.signed.plan.job);
        this.#ports.meter.began(message.signed.plan, message.stage);
        return this.#guard(this.#ports.compute.plan(message.signed, message.stage, message.promptIds));
      case 'start':
        if (this.#prepared) this.#guard(this.#ports.compute.start(message.job, message.version));
        return;
      case 'probe':
        // What is asked is whether this tab runs and is connected: its own thread answers, whatever the compute worker does.
        return void this.#ports.send({ type: 'alive', job: message.job, version: message.version });
      case 'finish':
        this.#ended.set(message.job, message.reason);
        for (const oldest of this.#ended.keys()) if (this.#ended.size > MAX_UNFINISHED_ROOTS) this.#ended.delete(oldest);
        this.#ports.event({ type: 'job-ended', job: message.job });
        this.#keepWork(message.job, message.reason);
        if (this.#prepared) this.#guard(this.#finish(message));
        return;
      case 'credit':
        this.#ports.credited(message);
        this.#order(message);
        return this.#quietly(this.#ports.store.keepCredit(message.job, { amount: message.amount, status: message.status }));
      case 'standing':
        return this.#ports.standing(message);
      case 'audit':
        if (!this.#prepared) return; // as for plans
        if (!this.#paused) return this.#order(message);
        return void this.#ports.send({ type: 'audit-refused', audit: message.audit, code: 'paused', message: 'This device rests; ask another one.' });
      case 'reveal':
      case 'release':
      case 'supply':
      case 'piece':
      case 'audit-open':
      case 'audit-cancelled':
      case 'head':
      case 'weights-givers':
        return this.#order(message);
      case 'epoch-claimable':
      case 'sponsor-ticket':
      case 'sponsor-refused':
        return this.#ports.settled(message);
      case 'dropped':
        return; // the coordinator counts these; for a person in front of the tab there is nothing to do
    }
  }

  /** A message from the compute worker, on its way to the coordinator. */
  fromCompute(message: ComputeMessage): void {
    const { meter, store, event, clock } = this.#ports;
    switch (message.type) {
      case 'shards':
        this.#ports.fetched(message.loadedBytes, message.fetchedBytes);
        if (message.state === 'ready') this.#ports.shardsReady();
        event({ ...message, error: message.error ?? '' });
        break;
      case 'prepared':
        event({ type: 'job-began', job: message.job });
        break;
      case 'token':
        meter.sampled(message.job, clock.monotonic());
        break;
      case 'unit':
        meter.unitClosed(message.receipt.body);
        this.#quietly(store.keepReceipt(message.receipt));
        break;
      case 'fault':
      case 'stage-refused':
        this.#ports.runs.ended(message.job);
        event({ type: 'job-ended', job: message.job });
        break;
      case 'root':
        this.#worked(message.stats.decodeMs.p50);
        // The last unit closes between `finish` and the root: what was kept at `finish` lacks it.
        this.#keepWork(message.job, this.#ended.get(message.job) ?? 'failed', true);
        break;
      case 'acknowledge':
      case 'disagree':
        break;
    }
    // With the connection the coordinator gave up what ran over it: what nobody waits for any more is not sent later.
    if (this.#joined) this.#ports.send(message);
  }

  /** The control connection is gone; the next one begins with a challenge. */
  connectionLost(): void {
    this.#joined = false;
    this.#life++;
    this.#ports.links.connectionLost();
    this.#ports.runs.clear();
    this.#ports.event({ type: 'connection-lost' });
  }

  /**
   * The compute worker is of no use any more (SPEC G4): another one takes its place, and this tab is offered again over the same connection.
   * A graphics device that is lost too often is not used any more, and a tab whose processor fails too often stops.
   */
  engineLost(loss: EngineLoss): void {
    const { compute, links, runs, event, send, clock, fail } = this.#ports;
    const engine = this.#profile?.engine ?? (this.#engine === 'wasm' ? 'wasm' : 'webgpu');
    const recovery = this.#recoveries.lost(engine, clock.monotonic());
    if (recovery === 'not-any-more') return fail({ code: 'engine-lost', message: `the engine was lost more than ${RECOVERIES}, the last time for this reason: ${loss.message}`, todo: LOST_TODO[loss.code] });
    this.#life++;
    this.#prepared = false;
    runs.clear();
    compute.restart();
    if (this.#joined) send({ type: 'engine-lost', code: loss.code, message: loss.message.slice(0, MAX_LOSS_CHARACTERS) });
    links.closeAll();
    if (recovery === 'on-wasm') {
      this.#engine = 'wasm';
      this.#profile = undefined;
    }
    event({ type: 'engine-lost', code: loss.code, onWasm: recovery === 'on-wasm' });
    if (this.#joined) this.#guard(this.#prepare());
  }

  /** Takes no more work until `resume`; the coordinator gives the layers to somebody else. */
  pause(reason: PauseReason): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#ports.event({ type: 'paused', reason });
    this.#ports.send({ type: 'leaving', reason: `paused: ${reason}` });
    this.#ports.links.closeAll();
    // The coordinator asks others by itself when a worker leaves.
    this.#quietly(this.#ports.compute.dropAudits());
  }

  /** The page is hidden, or is not any more: the coordinator places hidden ones of phones last (SPEC G5). */
  hide(hidden: boolean): void {
    if (hidden === this.#hidden) return;
    this.#hidden = hidden;
    if (this.#joined) this.#sayHidden();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#ports.event({ type: 'resumed' });
    if (this.#joined && this.#prepared) this.#sendProfile();
  }

  /** The loaded layers were timed again (SPEC W7). */
  retimed({ layerMs, layerMs16, headMs }: LayerTimes): void {
    const profile = this.#profile;
    if (profile === undefined) return;
    this.#profile = { ...profile, layerMs, layerMs16, headMs: headMs ?? profile.headMs };
    this.#ports.measured(this.#profile);
    if (this.#joined && this.#prepared) this.#sendProfile();
  }

  /** Whether a job took the head, too, is the plan's to know: between a time without and one with it everything is as expected. */
  #worked(realMs: number): void {
    const { layerMs = 0, headMs = 0 } = this.#profile ?? {};
    const least = this.#layers * layerMs;
    this.#ports.worked?.(realMs, Math.min(Math.max(realMs, least), least + headMs));
  }

  async #greet(challenge: Message<'challenge'>): Promise<void> {
    if (challenge.protocol !== PROTOCOL_VERSION) {
      const message = `this page speaks protocol ${PROTOCOL_VERSION}, the coordinator speaks ${challenge.protocol}`;
      return this.#ports.fail(refusalTrouble({ type: 'refused', code: 'protocol-version', message }));
    }
    this.#challenge = challenge;
    this.#life++;
    const { wallet } = this.#ports;
    const { identityPublicKey, devicePublicKey } = wallet;
    const life = this.#life;
    const signature = await wallet.signBinding({ network: challenge.network, devicePublicKey, challenge: challenge.challenge });
    if (life !== this.#life) return;
    // A resumed connection is placed at once with the profile of the old one: not what a tab wants that is paused, or has no engine yet.
    const resume = this.#resume === undefined || this.#paused || this.#isRecovering ? {} : { resume: this.#resume };
    this.#ports.send({ type: 'hello', protocol: PROTOCOL_VERSION, identityPublicKey, devicePublicKey, signature, agent: this.#options.agent, ...(this.#options.relayOnly && { relayOnly: true }), ...resume });
  }

  async #welcomed(welcome: Message<'welcome'>): Promise<void> {
    if (this.#challenge === undefined) return;
    this.#resume = welcome.resume;
    this.#joined = true;
    this.#model = welcome.models[0];
    this.#ports.joined(this.#model);
    this.#ports.event({ type: 'joined' });
    // Unsaid, a page is in sight.
    if (this.#hidden) this.#sayHidden();
    await this.#prepare();
  }

  /** Makes the compute worker one that can be planned for over this connection, and says so to the coordinator. */
  async #prepare(): Promise<void> {
    const life = this.#life;
    const { compute, event } = this.#ports;
    if (!(await this.#configure(life))) return;
    // Before anything that makes this worker one to be planned for: a plan names one of these.
    const commitments = await compute.join();
    if (life !== this.#life) return;
    this.#ports.send({ type: 'nonces', commitments });
    const model = this.#model;
    if (model === undefined) return this.#ports.fail({ code: 'no-models', message: 'the coordinator serves no model', todo: 'Ask its operator to import one, then contribute again.' });
    // Every join measures, qualification vectors first; nothing of it outlives the page. A new driver may come under a page that stays.
    const device = await compute.device();
    if (life !== this.#life) return;
    if (this.#modelId !== model.id || this.#profile === undefined || this.#measuredOn !== device) {
      event({ type: 'measuring' });
      const profile = await compute.measure(model.id, this.#engine);
      if (life !== this.#life) return;
      this.#profile = this.#engine === this.#options.engine ? profile : { ...profile, unfit: [...profile.unfit, GIVEN_UP] };
      this.#modelId = model.id;
      this.#measuredOn = device;
      this.#ports.measured(this.#profile);
    }
    this.#sendProfile();
  }

  /** Tells the compute worker who it is, unless it knows; false when it is not the one that is meant any more. */
  async #configure(life: number): Promise<boolean> {
    const challenge = this.#challenge;
    if (challenge === undefined) return false;
    const { network, coordinatorPublicKey } = challenge;
    const configuredFor = `${network} ${coordinatorPublicKey}`;
    if (this.#prepared && this.#configuredFor === configuredFor) return true;
    const { nodeId, devicePublicKey, deviceKey } = this.#ports.wallet;
    const head = await this.#keptHead(coordinatorPublicKey);
    if (life !== this.#life) return false;
    const { engineBase, coordinatorBase, memoryBudgetBytes, maxBatchJobs, maxDrafts } = this.#options;
    const engine = this.#profile?.engine;
    const config = { engineBase, coordinatorBase, network, nodeId, coordinatorPublicKey, devicePublicKey, deviceKey, memoryBudgetBytes, ...(maxBatchJobs !== undefined && { maxBatchJobs }), ...(maxDrafts !== undefined && { maxDrafts }), ...(head && { head }), ...(engine && { engine }) };
    this.#configuredFor = configuredFor;
    this.#prepared = true;
    const configured = this.#ports.compute.configure(config, this.#host(coordinatorPublicKey));
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) this.#assigned(kept);
    await configured;
    return life === this.#life;
  }

  #assigned(message: Message<'assign'>): void {
    if (this.#paused) return;
    if (!this.#prepared) {
      this.#kept = message;
      return;
    }
    const { assignment, modelId, layers, standby } = message;
    this.#ports.event({ type: 'assigned', id: assignment, layers, standby });
    const { layerMs16 = 0, headMs = 0, engine } = this.#profile ?? {};
    const count = layers === null ? 0 : layers[1] - layers[0];
    this.#layers = count;
    this.#ports.runs.expect({ chunkMs: count * layerMs16 + headMs, firstMs: engine === 'webgpu' ? FIRST_GPU_RUN_MS : 0 });
    this.#guard(this.#ports.compute.assign(assignment, modelId, layers, standby));
  }

  /** While it ends a job the compute worker may be at a run of it. */
  async #finish({ job, version, acceptedTo }: Message<'finish'>): Promise<void> {
    await this.#ports.compute.finish(job, version, acceptedTo);
    this.#ports.runs.ended(job);
  }

  get #isRecovering(): boolean {
    return !this.#prepared && this.#configuredFor !== '';
  }

  /** What the compute worker asks of the window, under this coordinator. */
  #host(coordinatorPublicKey: string): ComputeHost {
    const { wallet, store } = this.#ports;
    const worker = ++this.#workers;
    // Of a worker that was ended something may still come.
    const isNow = (): boolean => worker === this.#workers && this.#prepared;
    return {
      send: (message: ComputeMessage) => {
        if (isNow()) this.fromCompute(message);
      },
      engineLost: (loss: EngineLoss) => {
        if (isNow()) this.engineLost(loss);
      },
      sendPiece: (message: PieceMessage) => (this.#joined ? this.#ports.sendWhenClear(message) : Promise.resolve(false)),
      signRoot: (root: JobRoot) => wallet.signRoot(root),
      keepHead: (head: SignedHead) => this.#quietly(store.keepHead(coordinatorPublicKey, head)),
      alarm: (alarm: Alarm) => {
        this.#ports.alarm(alarm);
        this.#quietly(store.keepAlarm(alarm));
      },
      auditing: (state: AuditorState) => this.#ports.auditing(state),
      weights: (moved: WeightsMoved) => this.#ports.weights(moved),
    };
  }

  /** A browser that keeps nothing begins anew with the first head that it is shown. */
  async #keptHead(coordinatorPublicKey: string): Promise<SignedHead | undefined> {
    try {
      return await this.#ports.store.head(coordinatorPublicKey);
    } catch {
      return undefined;
    }
  }

  /** What fails of this costs this tab nothing but its part in it; jobs go on. */
  #order(message: ComputeOrder): void {
    if (this.#prepared) this.#quietly(this.#ports.compute.order(message));
  }

  #sendProfile(): void {
    const profile = this.#profile;
    if (profile === undefined || this.#paused) return;
    const { engine, layerMs, layerMs16, headMs } = profile;
    if (this.#ports.send({ type: 'profile', engine, layerMs, layerMs16, headMs, memoryBudgetBytes: this.#options.memoryBudgetBytes })) this.#ports.event({ type: 'profiled' });
  }

  #sayHidden(): void {
    this.#ports.send({ type: 'visibility', hidden: this.#hidden, mobile: this.#options.mobile });
  }

  /** Keeps a finished job; at its root a second time, with the last unit in it. */
  #keepWork(job: string, reason: FinishedWork['reason'], last = false): void {
    const work: JobWork | undefined = this.#ports.meter.ended(job, last);
    if (last) this.#ended.delete(job);
    if (work !== undefined) this.#quietly(this.#ports.store.keepWork({ ...work, finishedAt: this.#ports.clock.now(), reason, credit: null }));
  }

  /** History is a convenience: a browser that keeps nothing contributes all the same. */
  #quietly(kept: Promise<void>): void {
    kept.catch(() => undefined);
  }

  #guard(call: Promise<void>): void {
    call.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      this.#ports.fail({ code: 'compute-failed', message, todo: 'Contribute again. If it fails again, choose the other engine or less memory below.' });
    });
  }
}
