import * as v from 'valibot';
import { DevicePublicKey, HexHash, JobId, NodeId } from '../ids.ts';
import { SignedPlan } from '../job/plan.ts';
import { Audit, AuditCancelled, AuditOpen, Forget, Head, PieceIn, Release, Reveal, Standing, Supply } from './audit-from-coordinator.ts';
import { MAX_ICE_SERVERS, MAX_SIGNAL_BYTES } from './limits.ts';
import { RelayPiece, RelayTaken } from './relay.ts';
import { EpochClaimable, SponsorRefused, SponsorTicket } from './sponsorship.ts';
import { WeightsGivers } from './weights.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Text = (bytes: number) => v.pipe(v.string(), v.maxLength(bytes));
/** MessagePack's binary arrives as an ArrayBuffer in browsers and as a Buffer in Node. */
const Bytes = v.union([v.instance(Uint8Array), v.pipe(v.instance(ArrayBuffer), v.transform((buffer) => new Uint8Array(buffer)))]);
const Amount = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,40})$/));

/** Sent on connection: what the identity has to sign, and the key that plans are signed with. */
export const Challenge = v.strictObject({
  type: v.literal('challenge'),
  protocol: Count,
  network: Text(64),
  challenge: HexHash,
  coordinatorPublicKey: DevicePublicKey,
});
export const Welcome = v.strictObject({
  type: v.literal('welcome'),
  nodeId: NodeId,
  resume: Text(64),
  /** Served models; the first is the default. The manifest is at `/models/ID/manifest`, a shard at `/models/ID/shards/SHA256`. */
  models: v.pipe(v.array(v.strictObject({ id: HexHash, name: Text(120) })), v.maxLength(64)),
});
/** Why a worker is not taken; the coordinator closes the socket after it. */
export const REFUSALS = ['protocol-version', 'bad-signature', 'malformed', 'hello-expected', 'too-many-messages', 'replaced', 'full'] as const;
export const Refused = v.strictObject({ type: v.literal('refused'), code: v.picklist(REFUSALS), message: Text(500) });
/**
 * Hold these layers; replaces an earlier assignment. `layers` null: hold nothing. `standby`: this worker is in no ring, but takes
 * the range over at once when its holder leaves; a later assignment of the same layers loads nothing.
 */
export const Assign = v.strictObject({
  type: v.literal('assign'),
  assignment: Count,
  modelId: HexHash,
  layers: v.nullable(v.strictTuple([Count, Count])),
  standby: v.boolean(),
});
/** STUN or TURN server; credentials of TURN are this worker's, and short-lived (SPEC L2). */
export const IceServer = v.strictObject({ urls: Text(200), username: v.optional(Text(200)), credential: v.optional(Text(200)) });
/**
 * Open a link to a neighbour. One side is the initiator; `link` names the pair in signals. `via` `peer`: over WebRTC with these servers;
 * `coordinator`: with `relay` messages, at once. `use`: frames of a ring, or weights, which go by `peer` without TURN only (SPEC D5).
 */
export const Connect = v.strictObject({
  type: v.literal('connect'),
  link: Text(64),
  peer: NodeId,
  initiator: v.boolean(),
  via: v.picklist(['peer', 'coordinator']),
  use: v.picklist(['ring', 'weights']),
  iceServers: v.pipe(v.array(IceServer), v.maxLength(MAX_ICE_SERVERS)),
});
/** Close a link that no plan needs any more. */
export const Disconnect = v.strictObject({ type: v.literal('disconnect'), link: Text(64) });
export const SignalIn = v.strictObject({ type: v.literal('signal'), from: NodeId, link: Text(64), payload: Text(MAX_SIGNAL_BYTES) });
/** Prepare this stage. `promptIds` (little-endian uint32) only for the first stage. */
export const Plan = v.strictObject({
  type: v.literal('plan'),
  signed: SignedPlan,
  stage: Count,
  promptIds: v.nullable(Bytes),
});
/** Every stage is prepared: the first stage begins. */
export const Start = v.strictObject({ type: v.literal('start'), job: JobId, version: Count });
/** The job ends for every stage; units close at `acceptedTo` positions. */
export const Finish = v.strictObject({ type: v.literal('finish'), job: JobId, version: Count, acceptedTo: Count, reason: v.picklist(['stop', 'length', 'cancelled', 'moved', 'failed']) });
/** The ring stands still: whoever is there answers `alive` at once. */
export const Probe = v.strictObject({ type: v.literal('probe'), job: JobId, version: Count });
/** A change of this worker's account: base units, and its totals after it. */
export const Credit = v.strictObject({
  type: v.literal('credit'),
  job: JobId,
  amount: Amount,
  status: v.picklist(['pending', 'payable', 'void']),
  pendingTotal: Amount,
  payableTotal: Amount,
  /** The part of it that given credits earned: it is paid out as it is promoted (SPEC M11). Absent: nothing is said of it. */
  promotionalTotal: v.optional(Amount),
  /** Earned and kept back until the worker has a record (SPEC M7). */
  withheldTotal: Amount,
  /** Positions that were paid, and ids of the answer: with the signed plan they give the amount again (SPEC B3). */
  paidPositions: Count,
  generatedTokens: Count,
  /** The ledger entry that booked it. */
  entry: v.strictObject({ sequence: Count, hash: HexHash }),
});
/** A message was dropped; other jobs go on. */
export const Dropped = v.strictObject({ type: v.literal('dropped'), code: Text(64), message: Text(500) });

export const CoordinatorMessage = v.variant('type', [Challenge, Welcome, Refused, Assign, Connect, Disconnect, SignalIn, RelayPiece, RelayTaken, Plan, Start, Finish, Probe, Credit, Dropped, Reveal, Release, Forget, Supply, Audit, PieceIn, AuditOpen, AuditCancelled, Head, Standing, WeightsGivers, EpochClaimable, SponsorTicket, SponsorRefused]);
/** Everything the coordinator may send to a worker. */
export type CoordinatorMessage = v.InferOutput<typeof CoordinatorMessage>;
