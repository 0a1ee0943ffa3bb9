import type { EngineLossCode } from '../worker/compute-api.ts';

export type { EngineLossCode };

/** Layers `[from, to)`. */
export type Layers = readonly [number, number];

/** What this browser lacks. */
export type UnsupportedReason = 'insecure-context' | 'no-web-crypto' | 'no-webrtc' | 'no-wasm' | 'no-workers';
/** Why work rests although the person wants to contribute. */
export type PauseReason = 'battery' | 'hidden';

/** An error that ends or holds up contributing: what failed, and what the person can do. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly todo: string;
}

/** The one state that the page shows. */
export type ContributionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'unsupported'; readonly reason: UnsupportedReason }
  | { readonly kind: 'connecting'; readonly again: boolean }
  | { readonly kind: 'measuring' }
  /** The engine was lost and is being started again; `onWasm`: on the processor from now on. */
  | { readonly kind: 'restarting'; readonly why: EngineLossCode; readonly onWasm: boolean }
  /** `placement`: the coordinator is dividing the layers. `spare`: others hold all of them, this tab steps in when one leaves. */
  | { readonly kind: 'waiting'; readonly why: 'placement' | 'spare' }
  /** A spare with layers of its own: it takes them over at once when the tab leaves that serves them. */
  | { readonly kind: 'waiting'; readonly why: 'standby'; readonly standby: Layers; readonly loaded: boolean; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly kind: 'loading'; readonly layers: Layers; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly kind: 'ready'; readonly layers: Layers }
  | { readonly kind: 'serving'; readonly layers: Layers; readonly jobs: number }
  | { readonly kind: 'paused'; readonly reason: PauseReason }
  | { readonly kind: 'stopped' }
  | ({ readonly kind: 'error' } & Trouble);

type Mode =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly reason: PauseReason }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'unsupported'; readonly reason: UnsupportedReason }
  | ({ readonly kind: 'error' } & Trouble);

/** What is known; the state follows from it. */
export interface ContributionFacts {
  readonly mode: Mode;
  readonly connection: 'none' | 'joined' | 'lost';
  readonly profiled: boolean;
  /** The engine was lost, and this tab is not offered with the next one yet. */
  readonly restarting: { readonly why: EngineLossCode; readonly onWasm: boolean } | undefined;
  /** The newest assignment; undefined until there is one. */
  readonly assignment: { readonly id: number; readonly layers: Layers | null; readonly standby: boolean } | undefined;
  readonly shards: { readonly state: 'loading' | 'ready' | 'failed'; readonly loadedBytes: number; readonly totalBytes: number; readonly error: string };
  readonly jobs: ReadonlySet<string>;
}

export type ContributionEvent =
  | { readonly type: 'started' }
  | { readonly type: 'joined' }
  | { readonly type: 'connection-lost' }
  | { readonly type: 'measuring' }
  | { readonly type: 'profiled' }
  | { readonly type: 'assigned'; readonly id: number; readonly layers: Layers | null; readonly standby: boolean }
  | { readonly type: 'shards'; readonly assignment: number; readonly state: 'loading' | 'ready' | 'failed'; readonly loadedBytes: number; readonly totalBytes: number; readonly error: string }
  | { readonly type: 'job-began'; readonly job: string }
  | { readonly type: 'job-ended'; readonly job: string }
  | { readonly type: 'engine-lost'; readonly code: EngineLossCode; readonly onWasm: boolean }
  | { readonly type: 'paused'; readonly reason: PauseReason }
  | { readonly type: 'resumed' }
  | { readonly type: 'stopped' }
  | { readonly type: 'unsupported'; readonly reason: UnsupportedReason }
  | { readonly type: 'failed'; readonly trouble: Trouble };

const NO_SHARDS: ContributionFacts['shards'] = { state: 'loading', loadedBytes: 0, totalBytes: 0, error: '' };
/** Nothing held and nothing running: how every connection and every pause begins. */
const UNPLACED = { assignment: undefined, shards: NO_SHARDS, jobs: new Set<string>() } as const;

export const NOTHING_YET: ContributionFacts = { mode: { kind: 'idle' }, connection: 'none', profiled: false, restarting: undefined, ...UNPLACED };

/** The facts after an event. What comes too late (for another assignment, after a stop) changes nothing. */
export function afterEvent(facts: ContributionFacts, event: ContributionEvent): ContributionFacts {
  if (event.type === 'started') return { ...NOTHING_YET, mode: { kind: 'running' } };
  if (event.type === 'stopped') return { ...NOTHING_YET, mode: { kind: 'stopped' } };
  if (event.type === 'unsupported') return { ...NOTHING_YET, mode: { kind: 'unsupported', reason: event.reason } };
  if (event.type === 'failed') return { ...NOTHING_YET, mode: { kind: 'error', ...event.trouble } };
  if (facts.mode.kind !== 'running' && facts.mode.kind !== 'paused') return facts;
  switch (event.type) {
    case 'joined':
      return { ...facts, ...UNPLACED, connection: 'joined' };
    case 'connection-lost':
      // The coordinator fails the jobs of a tab that it lost; what the layers here are worth is known after the next welcome.
      return { ...facts, ...UNPLACED, connection: facts.connection === 'none' ? 'none' : 'lost' };
    case 'measuring':
      return { ...facts, profiled: false };
    case 'profiled':
      return { ...facts, profiled: true, restarting: undefined };
    case 'assigned':
      return { ...facts, assignment: { id: event.id, layers: event.layers, standby: event.standby }, shards: NO_SHARDS };
    case 'shards':
      if (event.assignment !== facts.assignment?.id) return facts;
      return { ...facts, shards: { state: event.state, loadedBytes: event.loadedBytes, totalBytes: event.totalBytes, error: event.error } };
    case 'job-began':
      return { ...facts, jobs: new Set([...facts.jobs, event.job]) };
    case 'job-ended':
      return { ...facts, jobs: new Set([...facts.jobs].filter((job) => job !== event.job)) };
    case 'engine-lost':
      return { ...facts, ...UNPLACED, profiled: false, restarting: { why: event.code, onWasm: event.onWasm } };
    case 'paused':
      return { ...facts, ...UNPLACED, mode: { kind: 'paused', reason: event.reason } };
    case 'resumed':
      return { ...facts, mode: { kind: 'running' } };
  }
}

/** The state that these facts amount to. */
export function stateOf(facts: ContributionFacts): ContributionState {
  if (facts.mode.kind !== 'running') return facts.mode;
  if (facts.connection !== 'joined') return { kind: 'connecting', again: facts.connection === 'lost' };
  if (facts.restarting !== undefined) return { kind: 'restarting', ...facts.restarting };
  if (facts.assignment === undefined) return facts.profiled ? { kind: 'waiting', why: 'placement' } : { kind: 'measuring' };
  const { layers, standby } = facts.assignment;
  if (layers === null) return { kind: 'waiting', why: 'spare' };
  if (facts.shards.state === 'failed') {
    return { kind: 'error', code: 'shards-failed', message: facts.shards.error, todo: 'Ciro gives these layers to another tab and may try again here. If it stays like this, check the connection and free some disk space.' };
  }
  const { loadedBytes, totalBytes } = facts.shards;
  if (standby) return { kind: 'waiting', why: 'standby', standby: layers, loaded: facts.shards.state === 'ready', loadedBytes, totalBytes };
  if (facts.shards.state === 'loading') return { kind: 'loading', layers, loadedBytes, totalBytes };
  return facts.jobs.size === 0 ? { kind: 'ready', layers } : { kind: 'serving', layers, jobs: facts.jobs.size };
}

/** Layers that this tab loads, or has loaded, to take them over; undefined when it serves or holds nothing. */
export const standbyOf = (state: ContributionState): Layers | undefined => ('standby' in state ? state.standby : undefined);

/** Bytes of weights so far and in all, while they are loaded. */
export const loadingOf = (state: ContributionState): { readonly loadedBytes: number; readonly totalBytes: number } | undefined =>
  state.kind === 'loading' || ('standby' in state && !state.loaded) ? state : undefined;
