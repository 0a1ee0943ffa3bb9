import type { NodeId } from '@ciro/core/ids.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { RelayMessage } from '@ciro/core/protocol/relay.ts';

/** What a tab measured on its device for the default model. */
export type Profile = Omit<Extract<WorkerMessage, { type: 'profile' }>, 'type'>;

/** What it measured beside that when it had nothing to do (SPEC W3, W4); parts that it never told are absent. */
export type Measured = Omit<Extract<WorkerMessage, { type: 'measured' }>, 'type'>;

/** Who is at the other end of a session, proven by `hello`. */
export interface WorkerIdentity {
  readonly nodeId: NodeId;
  readonly identityPublicKey: string;
  readonly devicePublicKey: string;
  /** For operators; never used for decisions. */
  readonly agent: string;
  /** It tells no neighbour its network address (SPEC L5). */
  readonly relayOnly?: boolean;
}

/** A worker that can be placed. */
export interface Worker extends WorkerIdentity {
  readonly profile: Profile;
  readonly measured?: Measured;
  /** Round trip to the coordinator; an upper bound taken from the greeting until the first ping came back. */
  readonly rttMs: number;
  /** A hidden page of a phone, which its browser stops when it likes (SPEC G5). */
  readonly mayFreeze?: boolean;
  /** Epoch milliseconds of its first profile on this connection. */
  readonly since: number;
}

/**
 * What a worker did that an honest one does not: `malformed` (no known message), `not-yours` (a job, stage, link or unit
 * that is not this worker's), `forged` (a signature or root that does not hold), `oversized` (past a stated bound).
 */
export type Offence = 'malformed' | 'not-yours' | 'forged' | 'oversized';

/** Messages that concern jobs, audits, shards and links: what sessions pass on. Relayed frames go their own way. */
export type WorkMessage = Exclude<WorkerMessage, { type: 'hello' | 'profile' | 'measured' | 'engine-lost' | 'visibility' | 'leaving' | 'nonces' | 'sponsor-wanted' } | RelayMessage>;

/** Of these, what concerns audits: the draw's nonces, and everything that names an audit. */
export type AuditMessage = Extract<WorkMessage, { type: 'nonce' | 'piece' | 'supply-refused' | 'audit-refused' | 'audit-blind' | 'audit-opened' }>;

/** Of these, what concerns weights that tabs give each other. */
export type WeightsMessage = Extract<WorkMessage, { type: 'weights-wanted' | 'weights-bad' }>;
