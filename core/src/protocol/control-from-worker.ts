import * as v from 'valibot';
import { DevicePublicKey, DeviceSignature, HexHash, IdentityPublicKey, JobId, NodeId } from '../ids.ts';
import { Acknowledgement, Receipt } from '../receipt/receipt.ts';
import { AuditBlind, AuditOpened, AuditRefused, Nonce, Nonces, Piece, SupplyRefused } from './audit-from-worker.ts';
import { MAX_BUDGET_BYTES, MAX_HEAD_MS, MAX_JOB_UNITS, MAX_LAYER_MS, MAX_LINK_RTT_MS, MAX_SIGNAL_BYTES, MAX_UNIT_HINT_CHARACTERS } from './limits.ts';
import { Measured } from './measured.ts';
import { RelayPiece, RelayTaken } from './relay.ts';
import { SponsorWanted } from './sponsorship.ts';
import { WeightsBad, WeightsWanted } from './weights.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const upTo = (most: number) => v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(most));
const Milliseconds = upTo(1e9);
const Text = (bytes: number) => v.pipe(v.string(), v.maxLength(bytes));
/** Valibot's own check ignores case in Unicode and so lets the Kelvin sign pass for a k, which decoders skip or refuse. */
const BASE64 = v.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'expected base64 with padding');
const JobVersion = { job: JobId, version: Count };
const Engine = v.picklist(['wasm', 'webgpu']);

/** First message, in answer to `challenge`: who this is, and the identity's signature over the device key (SPEC K3). */
export const Hello = v.strictObject({
  type: v.literal('hello'),
  protocol: Count,
  identityPublicKey: IdentityPublicKey,
  devicePublicKey: DevicePublicKey,
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
  /** Short description shown to operators, e.g. `Chromium 156, Linux`. Never used for decisions. */
  agent: Text(120),
  /** Token of an earlier welcome: takes the old connection's place at once. */
  resume: v.optional(Text(64)),
  /** This tab tells no neighbour its network address: links over TURN, or relayed here (SPEC L5). False when absent. */
  relayOnly: v.optional(v.boolean()),
});
/** What was measured on this device (REQUIREMENTS A6): placement uses nothing else. */
export const Profile = v.strictObject({
  type: v.literal('profile'),
  engine: Engine,
  /** Milliseconds for one layer of the model named, one position and 16 positions; and for the head, one position. */
  layerMs: upTo(MAX_LAYER_MS),
  layerMs16: upTo(MAX_LAYER_MS),
  headMs: upTo(MAX_HEAD_MS),
  /** Bytes of expanded weights and KV cache that this tab may hold. */
  memoryBudgetBytes: v.pipe(Count, v.maxValue(MAX_BUDGET_BYTES)),
});
/** Progress of the shards of an assignment. */
export const ShardState = v.strictObject({
  type: v.literal('shards'),
  assignment: Count,
  state: v.picklist(['loading', 'ready', 'failed']),
  loadedBytes: Count,
  totalBytes: Count,
  /** Bytes that came over the network rather than from the cache. */
  fetchedBytes: Count,
  error: v.optional(Text(500)),
});
/** SDP or ICE for another session; `payload` is JSON text that the coordinator passes on unread. */
export const SignalOut = v.strictObject({ type: v.literal('signal'), to: NodeId, link: Text(64), payload: Text(MAX_SIGNAL_BYTES) });
/** State of a link to a neighbour, when it changes; and of an open one its figures, now and then. */
export const LinkState = v.strictObject({
  type: v.literal('link'),
  link: Text(64),
  peer: NodeId,
  state: v.picklist(['open', 'closed', 'failed']),
  /** `turn`: through a TURN server at either end. `relay`: through the coordinator. */
  route: v.picklist(['direct', 'turn', 'relay', 'unknown']),
  rttMs: upTo(MAX_LINK_RTT_MS),
  /** Share of the browser's own probes (STUN checks) that got no answer lately; absent where it is not known. */
  loss: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
});
/** The stage holds its shards, links and KV cache for this plan. */
export const Prepared = v.strictObject({ type: v.literal('prepared'), ...JobVersion });
/** The stage can't or won't do this plan: unsigned, stale, not its layers, over memory … `code` is a StageError code. */
export const StageRefused = v.strictObject({ type: v.literal('stage-refused'), ...JobVersion, code: Text(64), message: Text(500) });
/** Sampled by the last stage: `id` follows `position`. */
export const Token = v.strictObject({ type: v.literal('token'), ...JobVersion, position: Count, id: Count });
/** A closed unit: signed receipt, the hashes that its leaf adds (SPEC U2), and the hints that an audit needs, in base64 (SPEC U5). */
export const Unit = v.strictObject({
  type: v.literal('unit'),
  receipt: Receipt,
  canonHash: HexHash,
  hintHash: HexHash,
  hints: v.pipe(v.string(), v.maxLength(MAX_UNIT_HINT_CHARACTERS), BASE64),
});
/** The neighbour's word on a receipt. */
export const Acknowledge = v.strictObject({ type: v.literal('acknowledge'), job: JobId, acknowledgement: Acknowledgement });
/** The neighbour was given something else than the receipt says; both stages are then looked at (PROTOCOL 3). */
export const Disagree = v.strictObject({ type: v.literal('disagree'), job: JobId, receipt: Receipt, linkHash: HexHash, signature: DeviceSignature });
/** End of a stage's work on a job: Merkle root over its leaves, signed by the identity, with the salts that open them. */
export const Root = v.strictObject({
  type: v.literal('root'),
  job: JobId,
  planHash: HexHash,
  stage: Count,
  root: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/)),
  signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
  /** One salt a unit, hex, in unit order. */
  salts: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))), v.maxLength(MAX_JOB_UNITS)),
  stats: v.strictObject({
    engine: Engine,
    /** Compute time per position in decode, and commitment time per position. */
    decodeMs: v.strictObject({ p50: Milliseconds, p95: Milliseconds }),
    commitMs: v.strictObject({ p50: Milliseconds, p95: Milliseconds }),
    /** Signature, leaf and salt of a unit, off the token path. */
    unitMs: v.strictObject({ p50: Milliseconds, p95: Milliseconds }),
    /** Highest bytes held by the engine; the renderer's own peak is measured from outside. */
    peakMemoryBytes: Count,
    /** First stage only: a whole lap of the ring, minus nothing. 0 elsewhere. */
    lapMs: v.strictObject({ p50: Milliseconds, p95: Milliseconds }),
  }),
});
/** The stage failed in the middle of a job. */
export const Fault = v.strictObject({ type: v.literal('fault'), ...JobVersion, code: Text(64), message: Text(500) });
/** Answer to `probe`: this tab runs and is connected. What its engine does shows in the tokens. */
export const Alive = v.strictObject({ type: v.literal('alive'), ...JobVersion });
/** Why an engine is lost: a run that does not end, a graphics device that was taken away, memory that was not given, a thread that ended. */
export const ENGINE_LOSSES = ['stuck', 'device-lost', 'out-of-memory', 'crashed'] as const;
/** The engine is started anew, without any job and with other nonces; this tab takes work again with its next `profile` (SPEC G4). */
export const EngineLost = v.strictObject({ type: v.literal('engine-lost'), code: v.picklist(ENGINE_LOSSES), message: Text(500) });
/** The page is hidden, or is not any more; unsaid, it is not. `mobile`: it is one of a phone or tablet, which may stop it then (SPEC G5). */
export const Visibility = v.strictObject({ type: v.literal('visibility'), hidden: v.boolean(), mobile: v.boolean() });
/** The person pressed Stop, a cap was reached, or the page is going away. */
export const Leaving = v.strictObject({ type: v.literal('leaving'), reason: Text(120) });

export const WorkerMessage = v.variant('type', [Hello, Profile, Measured, ShardState, SignalOut, LinkState, RelayPiece, RelayTaken, Prepared, StageRefused, Token, Unit, Acknowledge, Disagree, Root, Fault, Alive, EngineLost, Visibility, Leaving, Nonces, Nonce, Piece, SupplyRefused, AuditRefused, AuditBlind, AuditOpened, WeightsWanted, WeightsBad, SponsorWanted]);
/** Everything a worker may send to the coordinator. */
export type WorkerMessage = v.InferOutput<typeof WorkerMessage>;
