import type { EngineChoice } from '../worker/compute-api.ts';
import { MAX_DRAFTS } from '@ciro/core/protocol/limits.ts';
import { defaultMemoryBudget } from './memory-budget.ts';
import { EMPTY_VIEW, type ContributeOptions, type ParticipantView } from './participant-view.ts';

const ENGINES: readonly EngineChoice[] = ['auto', 'wasm', 'webgpu'];
/** A budget below this holds not one layer of any model; above, no tab can be. */
const MIN_BUDGET_BYTES = 64 * 1024 * 1024;
const MAX_BUDGET_BYTES = 64 * 1024 * 1024 * 1024;

/** More jobs than any tab has open. */
const MAX_BATCH_CHOICE = 64;

/**
 * Options in `#volunteer=1&engine=wasm|webgpu|auto&memory=BYTES&relay=only&batch=JOBS&drafts=IDS`: the operator's own headless volunteers contribute
 * without a click; `batch=1` computes every job alone and `drafts=0` drafts nothing, to measure what batches and drafts bring. Undefined for any other hash; a value that makes no sense is replaced by the default.
 */
export function volunteerOptions(hash: string, deviceGib: number | undefined): ContributeOptions | undefined {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  if (fields.get('volunteer') !== '1') return undefined;
  const engine = ENGINES.find((choice) => choice === fields.get('engine')) ?? 'auto';
  const memory = Number(fields.get('memory'));
  const fits = Number.isSafeInteger(memory) && memory >= MIN_BUDGET_BYTES && memory <= MAX_BUDGET_BYTES;
  const jobs = Number(fields.get('batch'));
  const batch = Number.isSafeInteger(jobs) && jobs >= 1 && jobs <= MAX_BATCH_CHOICE ? { maxBatchJobs: jobs } : {};
  const ids = fields.get('drafts') ?? '';
  const drafts = /^\d{1,2}$/.test(ids) && Number(ids) <= MAX_DRAFTS ? { maxDrafts: Number(ids) } : {};
  return { engine, memoryBudgetBytes: fits ? memory : defaultMemoryBudget(deviceGib), pauseOnBattery: false, pauseWhenHidden: false, relayOnly: fields.get('relay') === 'only', keepAwake: false, ...batch, ...drafts };
}

/** Snapshot for programs that drive the page: JSON only, amounts as decimal strings of base units. */
export interface CiroStatus {
  readonly state: ParticipantView['state'];
  readonly node_id: string | null;
  readonly model: { readonly id: string; readonly name: string } | null;
  readonly engine: 'wasm' | 'webgpu' | null;
  readonly layer_ms: number | null;
  /** Rates of the line, and milliseconds of one run of each scored shape; null before they were measured. */
  readonly line: { readonly down_bytes_per_ms: number | null; readonly up_bytes_per_ms: number | null };
  readonly scores: { readonly bert: number | null; readonly resnet: number | null; readonly whisper: number | null } | null;
  /** Layers that it serves, or loads to serve. */
  readonly layers: readonly [number, number] | null;
  /** Layers that it has loaded to take them over at once. */
  readonly standby: readonly [number, number] | null;
  readonly timings: { readonly join_ms: number | null; readonly ready_ms: number | null };
  readonly memory: { readonly held_bytes: number; readonly peak_bytes: number };
  /** Generated positions, how many of them in runs of several jobs; ids drafted as a first stage, and how many of them came true. */
  readonly generated: { readonly positions: number; readonly batched: number; readonly drafted: number; readonly accepted: number };
  readonly bytes: { readonly downloaded: number; readonly cached: number };
  /** Bytes of weights by where they came from, and what was given. */
  readonly weights: ParticipantView['weights'];
  readonly links: readonly { readonly peer: string; readonly state: string; readonly route: string; readonly rtt_ms: number; readonly loss: number | null }[];
  readonly audits: { readonly running: boolean; readonly waiting: number; readonly done: number; readonly refused: number };
  /** This worker's own record; null until the coordinator tells. */
  readonly standing: { readonly passed: number; readonly successful_audits: number; readonly failed_audits: number; readonly audit_rate: number; readonly state: 'active' | 'demoted' } | null;
  /** Null before there is an identity. `account`: where it is paid. */
  readonly identity: { readonly account: string; readonly persistence: 'stored' | 'memory'; readonly backed_up: boolean } | null;
  /** On the chain; amounts in base units of the token and, of what a transaction cost, in fri. Null before it was looked at. */
  readonly earnings: { readonly chain: 'unknown' | 'none' | 'there'; readonly owed: string | null; readonly on_chain: string | null; readonly failure: { readonly code: string; readonly message: string } | null; readonly payouts: readonly { readonly epoch: number; readonly transaction: string; readonly amount: string; readonly paymaster: string; readonly sponsor: string; readonly gas_paid: string; readonly sponsor_paid: string; readonly milliseconds: number; readonly at: number }[] } | null;
  readonly alarms: readonly { readonly kind: string; readonly job: string | null; readonly message: string }[];
  readonly totals: { readonly jobs: number; readonly tokens: number; readonly positions: number; readonly units: number; readonly tokens_per_second: number; readonly credits_pending: string; readonly credits_payable: string; readonly credits_withheld: string };
}

export function statusOf(view: ParticipantView = EMPTY_VIEW): CiroStatus {
  const { state, model, profile, timings, memory, bytes, weights, links, totals, credits, audits, standing, alarms } = view;
  return {
    state,
    node_id: view.nodeId ?? null,
    model: model ?? null,
    engine: profile?.engine ?? null,
    layer_ms: profile?.layerMs ?? null,
    line: { down_bytes_per_ms: view.fresh.line.downBytesPerMs, up_bytes_per_ms: view.fresh.line.upBytesPerMs },
    scores: view.fresh.scores?.ms ?? null,
    layers: 'layers' in state ? state.layers : null,
    standby: 'standby' in state && state.loaded ? state.standby : null,
    timings: { join_ms: timings.joinMs ?? null, ready_ms: timings.readyMs ?? null },
    memory: { held_bytes: memory.heldBytes, peak_bytes: memory.peakBytes },
    generated: view.generated,
    bytes,
    weights,
    links: links.map(({ peer, state: at, route, rttMs, loss }) => ({ peer, state: at, route, rtt_ms: rttMs, loss: loss ?? null })),
    audits: { running: audits.running !== null, waiting: audits.waiting, done: audits.done, refused: audits.refused },
    standing: standing === undefined ? null : { passed: standing.passed, successful_audits: standing.successfulAudits, failed_audits: standing.failedAudits, audit_rate: standing.auditRate, state: standing.state },
    identity: view.identity === undefined ? null : { account: view.identity.account, persistence: view.identity.persistence, backed_up: view.identity.backedUpAt !== null },
    earnings: earningsOf(view.earnings),
    alarms: alarms.map((alarm) => ({ kind: alarm.kind, job: 'job' in alarm ? alarm.job : null, message: alarm.message })),
    totals: { ...totals, tokens_per_second: view.tokensPerSecond, credits_pending: String(credits.pending), credits_payable: String(credits.payable), credits_withheld: String(credits.withheld) },
  };
}

function earningsOf(earnings: ParticipantView['earnings']): CiroStatus['earnings'] {
  if (earnings === undefined) return null;
  const { chain, owed, onChain, failure, payouts } = earnings;
  return {
    chain,
    owed: owed === undefined ? null : String(owed),
    on_chain: onChain === undefined ? null : String(onChain),
    failure: failure === undefined ? null : { code: failure.code, message: failure.message },
    payouts: payouts.map(({ amount, gasPaidFri, sponsorPaidFri, epoch, transaction, paymaster, sponsor, milliseconds, at }) => ({ epoch, transaction, amount: String(amount), paymaster, sponsor, gas_paid: String(gasPaidFri), sponsor_paid: String(sponsorPaidFri), milliseconds, at })),
  };
}
