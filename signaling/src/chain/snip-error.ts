import { RelayerError } from './relayer-error.ts';
import type { SnipCode } from './relayer-error.ts';

/** JSON-RPC 2.0. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;

const SNIP_CODES: Readonly<Record<SnipCode, readonly [code: number, name: string]>> = {
  'invalid-address': [150, 'INVALID_ADDRESS'],
  'token-not-supported': [151, 'TOKEN_NOT_SUPPORTED'],
  'invalid-signature': [153, 'INVALID_SIGNATURE'],
  'class-hash-not-supported': [155, 'CLASS_HASH_NOT_SUPPORTED'],
  'execution-error': [156, 'TRANSACTION_EXECUTION_ERROR'],
  'invalid-time-bounds': [157, 'INVALID_TIME_BOUNDS'],
  'invalid-deployment-data': [158, 'INVALID_DEPLOYMENT_DATA'],
  'invalid-class-hash': [159, 'INVALID_CLASS_HASH'],
  'invalid-id': [160, 'INVALID_ID'],
};
const UNKNOWN_ERROR = [163, 'UNKNOWN_ERROR'] as const;

export interface RpcFailure {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Thrown for what is no request at all; `code` is JSON-RPC's. */
export class RpcShapeError extends Error {
  readonly rpc: RpcFailure;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.name = 'RpcShapeError';
    this.rpc = { code, message, ...(data === undefined ? {} : { data }) };
  }
}

/** The SNIP's error for anything thrown. What is not ours is told without its text, which may hold anything. */
export function toRpcFailure(error: unknown): RpcFailure {
  if (error instanceof RpcShapeError) return error.rpc;
  if (!(error instanceof RelayerError)) return { ...named(UNKNOWN_ERROR), data: 'internal: the relayer failed; nothing was sent unless a transaction with this nonce is on chain. Try again, and tell the operator if it stays' };
  if (error.code === 'execution-error') return { ...named(SNIP_CODES['execution-error']), data: { execution_error: error.message } };
  const known = Object.hasOwn(SNIP_CODES, error.code) ? SNIP_CODES[error.code as SnipCode] : UNKNOWN_ERROR;
  return { ...named(known), data: `${error.code}: ${error.message}` };
}

const named = ([code, name]: readonly [number, string]): { code: number; message: string } => ({ code, message: `An error occurred (${name})` });
