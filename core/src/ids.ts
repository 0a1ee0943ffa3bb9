import * as v from 'valibot';

/**
 * Branded identifiers. Each is a plain string on the wire; the brand only exists for the type checker,
 * so that a job id cannot be passed where a node id is meant.
 */
export const HexHash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'), v.brand('HexHash'));
/** SHA-256, lower-case hex. */
export type HexHash = v.InferOutput<typeof HexHash>;

export const JobId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'expected 32 lower-case hex digits'), v.brand('JobId'));
/** 16 random bytes as hex: they travel raw in every data frame. */
export type JobId = v.InferOutput<typeof JobId>;

export const AuditId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'expected 32 lower-case hex digits'), v.brand('AuditId'));
/** 16 random bytes as hex: one auditor's look at one stage of one job. */
export type AuditId = v.InferOutput<typeof AuditId>;

export const NodeId = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/, 'expected 40 lower-case hex digits'), v.brand('NodeId'));
/** First 20 bytes of SHA-256 of the identity public key (SPEC K2), hex. */
export type NodeId = v.InferOutput<typeof NodeId>;

/** Uncompressed P-256 point: 65 bytes, hex. */
export const DevicePublicKey = v.pipe(v.string(), v.regex(/^04[0-9a-f]{128}$/, 'expected an uncompressed P-256 point in hex'));
/** P-256 ECDSA signature over SHA-256 in IEEE P1363 form (r, s): 64 bytes, hex. */
export const DeviceSignature = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/, 'expected 64 bytes in hex'));
/** Stark-curve public key as @scure/starknet gives it: 0x-prefixed x coordinate; one text per key, or one key would have many node ids. */
export const IdentityPublicKey = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,63}$/, 'expected a Stark public key in hex without leading zeros'));
