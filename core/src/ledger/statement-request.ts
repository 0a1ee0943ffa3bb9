import { sign } from '@scure/starknet';
import { toHex } from '../bytes.ts';
import { domainHash } from '../canonical-json.ts';
import { signedFelt, verifyFelt } from '../identity/identity.ts';

/** A worker asks for its own statement (SPEC M12). */
export interface StatementRequest {
  readonly network: string;
  /** Identity public key, 0x hex. */
  readonly worker: string;
  /** When it asks, Unix seconds. */
  readonly at: number;
}

/** The longest that a signed request is taken before or after its time: clocks of devices differ by minutes. Seconds. */
export const STATEMENT_REQUEST_VALID_S = 300;

const digestOf = ({ network, worker, at }: StatementRequest): string => domainHash('ciro/statement-request/1', { network, worker, at });

/** The `Authorization` header of a worker's request: `CiroWorker KEY.SECONDS.SIGNATURE`. */
export function statementAuthorization(request: StatementRequest, privateKey: string): string {
  return `CiroWorker ${request.worker}.${request.at}.${toHex(sign(signedFelt(digestOf(request)), privateKey).toBytes('compact'))}`;
}

/**
 * Identity key of the worker that signed the header for this network; undefined of any other header, of a bad signature, and of
 * one made more than STATEMENT_REQUEST_VALID_S before or after `now`, Unix seconds. Never throws.
 */
export function workerOfAuthorization(header: string | undefined, { network, now }: { readonly network: string; readonly now: number }): string | undefined {
  const [, worker, time, signature] = /^CiroWorker (0x[1-9a-f][0-9a-f]{0,62})\.([1-9][0-9]{0,11})\.([0-9a-f]{128})$/.exec(header ?? '') ?? [];
  if (worker === undefined || time === undefined || signature === undefined) return undefined;
  const at = Number(time);
  if (Math.abs(now - at) > STATEMENT_REQUEST_VALID_S) return undefined;
  return verifyFelt(digestOf({ network, worker, at }), signature, worker) ? worker : undefined;
}
