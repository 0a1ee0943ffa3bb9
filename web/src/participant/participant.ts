import { openPeerLink } from '../transport/peer-link.ts';
import { openRelayedLink } from '../transport/relayed-link.ts';
import { SignalingSocket } from '../transport/signaling-socket.ts';
import { TabLinks } from '../transport/tab-links.ts';
import { WalletError } from '../wallet/wallet-error.ts';
import { agentText } from './agent-text.ts';
import { startComputeThread, type ComputeThread } from './compute-thread.ts';
import { holdContributeLock } from './contribute-lock.ts';
import { Contribution } from './contribution.ts';
import { afterEvent, NOTHING_YET, stateOf, type ContributionEvent, type PauseReason, type Trouble } from './contribution-state.ts';
import { isMetered, isMobile, missingCapability } from './device-check.ts';
import { FreshProfile } from './fresh-profile.ts';
import { IdentityDesk } from './identity-desk.ts';
import { keepAwake } from './keep-awake.ts';
import { EMPTY_VIEW, MAX_SHOWN_ALARMS, type ContributeOptions, type ParticipantView } from './participant-view.ts';
import { probeLine } from './line-probe.ts';
import { RunWatch } from './run-watch.ts';
import { watchPower } from './power-watch.ts';
import { startVaultThread } from './vault-thread.ts';
import { WorkMeter } from './work-meter.ts';
import type { PayoutFace } from './payout-face.ts';
import type { Contributor } from './contributor.ts';
import type { PayoutStore } from '../wallet/claim-ports.ts';
import type { VaultFacts } from '../wallet/vault.ts';
import type { Alarm } from '../audit/alarm.ts';
import type { WatchStore } from './watch-store.ts';
import type { WorkStore } from './work-store.ts';

/** Counters are read by people: four times a second is live, and costs nothing while tokens fly by. */
const NOTIFY_MS = 250;
/** Memory and the live rate are read again this often while a contribution runs. */
const WATCH_MS = 2_000;

/** Where the build puts the engine's files, one folder a version of it. */
const ENGINE_FOLDER = 'ort/';

/** Where this participant keeps things (its keys rest with the vault's thread), and where the coordinator is. */
export interface ParticipantSetup {
  readonly store: WorkStore & WatchStore & PayoutStore;
  /** Origin of the coordinator, and the base of its files, ending in a slash. */
  readonly origin: string;
  readonly base: string;
}

interface Running {
  readonly socket: SignalingSocket;
  readonly compute: ComputeThread;
  readonly links: TabLinks;
}

/** This tab as a part of the network: joins, works, pauses, leaves. The only thing that the faces know of the rooms behind it. */
export class Participant implements Contributor {
  readonly #setup: ParticipantSetup;
  readonly #listeners = new Set<(view: ParticipantView) => void>();
  readonly #identity: IdentityDesk;
  #facts = NOTHING_YET;
  #view: ParticipantView = EMPTY_VIEW;
  #meter = new WorkMeter();
  #running: Running | undefined;
  #attempt: AbortController | undefined;
  #fresh: FreshProfile | undefined;
  /** Of the contribution that the person wants now; undefined after a stop. */
  #options: ContributeOptions | undefined;
  #notifyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(setup: ParticipantSetup) {
    this.#setup = setup;
    this.#identity = new IdentityDesk({
      startVault: startVaultThread,
      openAccount: async (options) => (await import('../wallet/starknet-account.ts')).openStarknetAccount(options),
      openPayout: async (ports) => (await import('./payout-face.ts')).openPayoutFace(ports),
      store: setup.store,
      base: setup.base,
      fetch: (url, init) => fetch(url, init),
      wantTicket: () => this.#facts.connection === 'joined' && this.#running?.socket.send({ type: 'sponsor-wanted' }) === true,
      after: (milliseconds, task) => {
        const timer = setTimeout(task, milliseconds);
        return () => clearTimeout(timer);
      },
      clock: { now: () => Date.now(), monotonic: () => performance.now() },
      show: (part) => this.#show(part),
    });
    // The page goes away, perhaps into the back-forward cache: nothing of a contribution survives there, so it begins anew.
    addEventListener('pagehide', () => this.#leave('page closed'));
    addEventListener('pageshow', (event) => {
      if (event.persisted && this.#options !== undefined) void this.contribute(this.#options);
    });
  }

  get view(): ParticipantView {
    return this.#view;
  }

  subscribe(listener: (view: ParticipantView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async contribute(options: ContributeOptions): Promise<void> {
    this.#leave('started again');
    this.#options = options;
    this.#meter = new WorkMeter();
    const { identity, earnings } = this.#view;
    this.#view = { ...EMPTY_VIEW, identity, earnings };
    const missing = missingCapability(globalThis);
    if (missing !== undefined) return this.#event({ type: 'unsupported', reason: missing });
    this.#event({ type: 'started' });
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      if (!(await holdContributeLock(attempt.signal))) {
        return this.#fail({ code: 'another-tab', message: 'another tab of this browser already contributes', todo: 'Use that tab, or close it and contribute here.' });
      }
      const facts = await this.#identity.open();
      if (attempt.signal.aborted) return;
      this.#show({ nodeId: facts.nodeId, keys: facts.persistence });
      this.#recallAlarms(attempt.signal);
      this.#running = this.#begin(options, facts, attempt.signal);
    } catch (error) {
      if (attempt.signal.aborted) return;
      const code = error instanceof WalletError ? error.code : 'start-failed';
      this.#fail({ code, message: error instanceof Error ? error.message : String(error), todo: 'Reload the page and contribute again.' });
    }
  }

  stop(): void {
    this.#options = undefined;
    this.#leave('stopped by the person');
    this.#event({ type: 'stopped' });
  }

  recentWork(count: number): ReturnType<WorkStore['recent']> {
    return this.#setup.store.recent(count).catch(() => []);
  }

  findIdentity(): Promise<boolean> {
    return this.#identity.find();
  }

  claimNow(): Promise<void> {
    return this.#identity.claimNow();
  }

  openPayout(): Promise<PayoutFace> {
    return this.#identity.openPayout();
  }

  exportIdentity(passphrase: string, identityPublicKey: string): Promise<string> {
    return this.#identity.exportIdentity(passphrase, identityPublicKey);
  }

  importIdentity(text: string, passphrase: string, replace: boolean): Promise<void> {
    return this.#identity.importIdentity(text, passphrase, replace);
  }

  #begin(options: ContributeOptions, facts: VaultFacts, ended: AbortSignal): Running {
    const { origin, base } = this.#setup;
    const meter = this.#meter;
    const { vault } = this.#identity;
    const compute = startComputeThread((reason) => {
      if (!ended.aborted) contribution.engineLost({ code: 'crashed', message: `the compute worker ended: ${reason}` });
    });
    const runs = new RunWatch({
      progress: () => compute.progress(),
      now: () => performance.now(),
      every: (milliseconds, task) => {
        const timer = setInterval(task, milliseconds);
        return () => clearInterval(timer);
      },
      stuck: (message) => contribution.engineLost({ code: 'stuck', message }),
    });
    ended.addEventListener('abort', () => runs.clear(), { once: true });
    const links = new TabLinks({
      openLink: openPeerLink,
      openRelayedLink,
      relayOnly: options.relayOnly,
      send: (report) => socket.send(report),
      attach: (peer, port) => this.#ifItFails(compute.attachLink(peer, port)),
      detach: (peer) => this.#ifItFails(compute.detachLink(peer)),
      frameSent: (frame) => {
        meter.frameLeft(frame, performance.now());
        this.#soon();
      },
      changed: () => this.#show({ links: links.views() }),
    }, {
      attach: (peer, port) => this.#ifItFails(compute.attachWeights(peer, port)),
      detach: (peer) => this.#ifItFails(compute.detachWeights(peer)),
      mayGive: () => !isMetered(navigator),
    });
    const contribution = new Contribution(
      {
        send: (message) => socket.send(message),
        sendWhenClear: (message) => socket.sendWhenClear(message),
        compute,
        runs,
        links,
        wallet: { ...facts, signBinding: (binding) => vault.signBinding(binding), signRoot: (root) => vault.signRoot(root) },
        meter,
        store: this.#setup.store,
        clock: { now: () => Date.now(), monotonic: () => performance.now() },
        event: (event) => this.#event(event),
        joined: (model) => {
          this.#show({ model, timings: { ...this.#view.timings, joinMs: this.#view.timings.joinMs ?? performance.now() } });
          this.#identity.joined();
        },
        measured: (profile) => this.#show({ profile }),
        worked: (real, expected) => fresh.served(real, expected),
        shardsReady: () => this.#show({ timings: { ...this.#view.timings, readyMs: this.#view.timings.readyMs ?? performance.now() } }),
        fetched: (loaded, downloaded) => this.#show({ bytes: { downloaded, cached: loaded - downloaded } }),
        credited: ({ pendingTotal, payableTotal, promotionalTotal = '0', withheldTotal }) => this.#show({ credits: { pending: BigInt(pendingTotal), payable: BigInt(payableTotal), promotional: BigInt(promotionalTotal), withheld: BigInt(withheldTotal) } }),
        standing: ({ passed, successfulAudits, failedAudits, auditRate, state }) => this.#show({ standing: { passed, successfulAudits, failedAudits, auditRate, state } }),
        auditing: (audits) => this.#show({ audits }),
        weights: (weights) => {
          if (weights.downBytesPerMs !== undefined) fresh.fetched(weights.downBytesPerMs);
          this.#show({ weights });
        },
        alarm: (alarm) => this.#showAlarms([alarm, ...this.#view.alarms]),
        settled: (message) => (message.type === 'epoch-claimable' ? this.#identity.claimable(message.epoch) : this.#identity.answered(message)),
        fail: (trouble) => this.#fail(trouble),
      },
      { engine: options.engine, relayOnly: options.relayOnly, memoryBudgetBytes: options.memoryBudgetBytes, ...(options.maxBatchJobs !== undefined && { maxBatchJobs: options.maxBatchJobs }), ...(options.maxDrafts !== undefined && { maxDrafts: options.maxDrafts }), agent: agentText(navigator.userAgent), engineBase: new URL(ENGINE_FOLDER, base).href, coordinatorBase: base, mobile: isMobile(navigator) },
    );
    const socket = new SignalingSocket(origin, {
      onUp: () => undefined,
      onDown: () => contribution.connectionLost(),
      onMessage: (message) => contribution.handle(message),
      onMalformed: (error) => console.warn(error.message),
    });
    const fresh = new FreshProfile({
      scores: () => compute.scores(),
      layers: () => compute.retime(),
      probeLine: (want) => probeLine(want, { fetch: (url, init) => fetch(url, init), now: () => performance.now(), base }),
      metered: () => isMetered(navigator),
      now: () => performance.now(),
      send: (message) => this.#facts.connection === 'joined' && socket.send(message),
      timed: (times) => contribution.retimed(times),
      show: (figures) => this.#show({ fresh: figures }),
    });
    this.#fresh = fresh;
    this.#watch(options, contribution, compute, ended);
    return { socket, compute, links };
  }

  /** Battery, visibility and figures, for as long as this contribution lasts. */
  #watch(options: ContributeOptions, contribution: Contribution, compute: ComputeThread, signal: AbortSignal): void {
    const reasons = new Set<PauseReason>();
    const weigh = (reason: PauseReason, present: boolean) => {
      if (present) reasons.add(reason);
      else reasons.delete(reason);
      const first = [...reasons][0];
      if (first === undefined) contribution.resume();
      else contribution.pause(first);
    };
    let powered: boolean | undefined;
    this.#ifItFails(watchPower((onBattery) => {
      if (powered !== undefined && powered !== onBattery) this.#fresh?.changed();
      powered = onBattery;
      if (options.pauseOnBattery) weigh('battery', onBattery);
    }, signal));
    const look = () => {
      contribution.hide(document.hidden);
      if (options.pauseWhenHidden) weigh('hidden', document.hidden);
    };
    look();
    document.addEventListener('visibilitychange', look, { signal });
    document.addEventListener('visibilitychange', () => this.#fresh?.changed(), { signal });
    if (options.keepAwake) keepAwake(document, navigator.wakeLock, signal);
    const timer = setInterval(() => {
      this.#soon();
      this.#fresh?.look(isAtRest(this.#view));
      Promise.all([compute.memory(), compute.generated()]).then(([memory, generated]) => this.#show({ memory, generated }), () => undefined);
    }, WATCH_MS);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  /** Alarms of earlier visits stay in sight. */
  #recallAlarms(signal: AbortSignal): void {
    this.#setup.store.alarms(MAX_SHOWN_ALARMS).then(
      (kept) => signal.aborted || this.#showAlarms([...this.#view.alarms, ...kept.map(({ alarm }) => alarm)]),
      () => undefined,
    );
  }

  #showAlarms(alarms: readonly Alarm[]): void {
    this.#show({ alarms: alarms.slice(0, MAX_SHOWN_ALARMS) });
  }

  #leave(reason: string): void {
    this.#attempt?.abort();
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    running.socket.send({ type: 'leaving', reason });
    running.links.closeAll();
    running.socket.close();
    running.compute.end();
  }

  #fail(trouble: Trouble): void {
    this.#leave(`failed: ${trouble.code}`);
    this.#event({ type: 'failed', trouble });
  }

  #ifItFails(call: Promise<void>): void {
    call.catch((error: unknown) => {
      if (this.#running !== undefined) this.#fail({ code: 'compute-failed', message: error instanceof Error ? error.message : String(error), todo: 'Contribute again.' });
    });
  }

  #event(event: ContributionEvent): void {
    this.#facts = afterEvent(this.#facts, event);
    if (event.type === 'engine-lost') this.#fresh?.restarted();
    if (event.type === 'profiled') this.#fresh?.joined();
    this.#view = { ...this.#view, state: stateOf(this.#facts) };
    this.#notify();
  }

  #show(part: Partial<ParticipantView>): void {
    this.#view = { ...this.#view, ...part };
    this.#soon();
  }

  #soon(): void {
    this.#notifyTimer ??= setTimeout(() => this.#notify(), NOTIFY_MS);
  }

  #notify(): void {
    clearTimeout(this.#notifyTimer);
    this.#notifyTimer = undefined;
    this.#view = { ...this.#view, totals: this.#meter.totals, tokensPerSecond: this.#meter.tokensPerSecond(performance.now()) };
    for (const listener of this.#listeners) listener(this.#view);
  }
}

/** Neither a job, a load, an audit nor a placement needs this tab. */
function isAtRest({ state, audits }: ParticipantView): boolean {
  const loaded = state.kind === 'ready' || (state.kind === 'waiting' && (state.why === 'spare' || (state.why === 'standby' && state.loaded)));
  return loaded && audits.running === null && audits.waiting === 0;
}
