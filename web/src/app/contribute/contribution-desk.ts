import { signal } from '@preact/signals';
import * as v from 'valibot';
import { volunteerOptions } from '../../participant/automation.ts';
import { loadingOf, standbyOf } from '../../participant/contribution-state.ts';
import { missingCapability, type DeviceCapabilities } from '../../participant/device-check.ts';
import { defaultMemoryBudget, MEMORY_CHOICES } from '../../participant/memory-budget.ts';
import { EMPTY_VIEW, type ContributeOptions, type ParticipantView } from '../../participant/participant-view.ts';
import type { Contributor } from '../../participant/contributor.ts';
import type { FinishedWork } from '../../participant/work-store.ts';

/** Jobs shown of the history. */
const RECENT_JOBS = 8;
const SETTING = 'caps';
/** Before a download its speed is a guess; afterwards it was measured. Kept as bits a second. */
const SPEED_SETTING = 'bits-per-second';
/** A download below this says more about latency than about speed. */
const MIN_MEASURED_BYTES = 2_000_000;

const Options = v.object({
  engine: v.picklist(['auto', 'wasm', 'webgpu']),
  memoryBudgetBytes: v.picklist(MEMORY_CHOICES),
  pauseOnBattery: v.boolean(),
  pauseWhenHidden: v.boolean(),
  // Absent in what was kept before there was a choice.
  relayOnly: v.optional(v.boolean(), false),
  keepAwake: v.optional(v.boolean(), false),
});

/** Where caps are kept between visits. */
export interface DeskSettings {
  read(name: string): Promise<unknown>;
  keep(name: string, value: unknown): Promise<void>;
}

export interface DeskPorts {
  /** Loads the code of the participant; called at the first contribution, or when one is likely. */
  loadParticipant(): Promise<Contributor>;
  readonly settings: DeskSettings;
  readonly device: DeviceCapabilities;
  /** navigator.deviceMemory. */
  readonly deviceGib: number | undefined;
}

export interface IdentityLook {
  readonly asked: boolean;
  readonly found: 'there' | 'none' | 'failed' | undefined;
  readonly message: string;
}

/** What the Contribute area shows and does. The participant's code is fetched when it is needed, the engine only after consent. */
export class ContributionDesk {
  readonly view = signal<ParticipantView>(EMPTY_VIEW);
  readonly options = signal<ContributeOptions>({ engine: 'auto', memoryBudgetBytes: 0, pauseOnBattery: true, pauseWhenHidden: false, relayOnly: false, keepAwake: false });
  readonly recent = signal<readonly FinishedWork[]>([]);
  /** From an earlier download on this device; undefined before the first. */
  readonly bitsPerSecond = signal<number | undefined>(undefined);
  /** Whether the identity of this browser was looked for, and what was found. */
  readonly identityLook = signal<IdentityLook>({ asked: false, found: undefined, message: '' });
  readonly #ports: DeskPorts;
  #participant: Promise<Contributor> | undefined;
  #loadBegan: { readonly at: number } | undefined;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
    this.options.value = { ...this.options.value, memoryBudgetBytes: defaultMemoryBudget(ports.deviceGib) };
    // Said before anybody agrees to anything.
    const reason = missingCapability(ports.device);
    if (reason !== undefined) this.view.value = { ...EMPTY_VIEW, state: { kind: 'unsupported', reason } };
  }

  /** Reads what was chosen and measured on earlier visits. */
  async load(): Promise<void> {
    const kept = v.safeParse(Options, await this.#ports.settings.read(SETTING).catch(() => undefined));
    if (kept.success) this.options.value = kept.output;
    const speed = await this.#ports.settings.read(SPEED_SETTING).catch(() => undefined);
    if (typeof speed === 'number' && speed > 0) this.bitsPerSecond.value = speed;
  }

  choose(change: Partial<ContributeOptions>): void {
    this.options.value = { ...this.options.value, ...change };
    this.#ports.settings.keep(SETTING, this.options.value).catch(() => undefined);
  }

  /** Fetches the participant's code ahead of a click that is likely. A failure shows at the click. */
  prepare(): void {
    this.#load().catch(() => undefined);
  }

  /** Contributes if the address asks for it (see `volunteerOptions`). */
  async volunteer(hash: string): Promise<void> {
    const options = volunteerOptions(hash, this.#ports.deviceGib);
    if (options !== undefined) await this.contribute(options);
  }

  async contribute(options: ContributeOptions = this.options.value): Promise<void> {
    const { identity, earnings } = this.view.value;
    this.view.value = { ...EMPTY_VIEW, identity, earnings, state: { kind: 'connecting', again: false } };
    try {
      const participant = await this.#load();
      await participant.contribute(options);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.view.value = { ...EMPTY_VIEW, state: { kind: 'error', code: 'page-incomplete', message, todo: 'Part of this page could not be fetched. Check the connection and reload.' } };
    }
  }

  async stop(): Promise<void> {
    this.view.value = { ...this.view.value, state: { kind: 'stopped' } };
    (await this.#participant)?.stop();
  }

  /** Shows the identity of this browser and what it earned, without contributing. */
  async findIdentity(): Promise<void> {
    this.identityLook.value = { asked: true, found: undefined, message: '' };
    try {
      const found = await (await this.#load()).findIdentity();
      this.identityLook.value = { asked: false, found: found ? 'there' : 'none', message: '' };
    } catch (error) {
      this.identityLook.value = { asked: false, found: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  async claimNow(): Promise<void> {
    await (await this.#load()).claimNow();
  }

  /** Where this browser's worker is paid, and how that is changed. Rejects with what the wallet says. */
  async openPayout(): ReturnType<Contributor['openPayout']> {
    return (await this.#load()).openPayout();
  }

  /** Text of a backup file. Rejects with what the wallet says. */
  async exportIdentity(passphrase: string, identityPublicKey: string): Promise<string> {
    return (await this.#load()).exportIdentity(passphrase, identityPublicKey);
  }

  /** Rejects with what the wallet says; `identity-exists` unless `replace`. */
  async importIdentity(text: string, passphrase: string, replace: boolean): Promise<void> {
    await (await this.#load()).importIdentity(text, passphrase, replace);
  }

  #load(): Promise<Contributor> {
    this.#participant ??= this.#ports.loadParticipant().then(
      (participant) => {
        participant.subscribe((view) => this.#show(participant, view));
        return participant;
      },
      (error: unknown) => {
        this.#participant = undefined;
        throw error;
      },
    );
    return this.#participant;
  }

  #show(participant: Contributor, view: ParticipantView): void {
    const before = this.view.value;
    this.view.value = view;
    this.#measureSpeed(view);
    if (before.totals.jobs !== view.totals.jobs || before.credits.pending !== view.credits.pending || before.state.kind !== view.state.kind) {
      void participant.recentWork(RECENT_JOBS).then((work) => (this.recent.value = work));
    }
  }

  #measureSpeed(view: ParticipantView): void {
    const loading = loadingOf(view.state) !== undefined;
    if (loading) this.#loadBegan ??= { at: performance.now() };
    const began = this.#loadBegan;
    if (loading || began === undefined) return;
    this.#loadBegan = undefined;
    if (view.state.kind !== 'ready' && standbyOf(view.state) === undefined) return;
    const seconds = (performance.now() - began.at) / 1_000;
    if (view.bytes.downloaded < MIN_MEASURED_BYTES) return;
    this.bitsPerSecond.value = (view.bytes.downloaded * 8) / seconds;
    this.#ports.settings.keep(SPEED_SETTING, this.bitsPerSecond.value).catch(() => undefined);
  }
}

