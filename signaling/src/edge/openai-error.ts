import { CiroError } from '@ciro/core/errors.ts';
import { ProtocolError } from '@ciro/core/protocol/parse.ts';
import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { AccountError } from '../accounts/account-error.ts';
import { EscrowError } from '../escrow/escrow-error.ts';
import { IntakeError } from '../intake/intake-error.ts';
import { TrialError } from '../ledger/trial-error.ts';
import { ModelsError } from '../models/models-error.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { PayoutLinkError } from '../settlement/link-error.ts';

/** An error as the OpenAI API shows it: every client library reads these four fields. */
export interface OpenAiError {
  readonly status: number;
  readonly body: { readonly error: { readonly message: string; readonly type: ErrorType; readonly param: string | null; readonly code: string; readonly ciro?: MissingTabs } };
  /** Seconds for `Retry-After`, where waiting helps. */
  readonly retryAfterS?: number;
}

/** Beside the four fields, where a model waits for tabs: how many, with how much memory each, and where they join. */
export interface MissingTabs {
  readonly missing_tabs: number;
  readonly missing_bytes: number;
  readonly tab_bytes: number;
  readonly join_url: string;
}

type ErrorType = 'invalid_request_error' | 'authentication_error' | 'permission_error' | 'insufficient_quota' | 'rate_limit_error' | 'server_error';

/** What the edge itself refuses. */
export class EdgeError extends CiroError<'invalid_json' | 'unreadable_file' | 'range_not_satisfiable' | 'not_found' | 'model_not_found' | 'no_chain' | 'node_unavailable' | 'instance_lost' | 'method_not_allowed' | 'body_too_large' | 'unsupported_media_type' | 'rate_limit_exceeded' | 'bad_request' | 'job_not_found' | 'job_failed'> {}

/** A job of another account is as one that never was. */
export function jobNotFound(id: string): EdgeError {
  return new EdgeError('job_not_found', `this key has no job ${id.slice(0, 64)}; use the key that asked`, { fault: 'user' });
}

const EDGE_STATUS: Readonly<Record<EdgeError['code'], number>> = {
  invalid_json: 400,
  bad_request: 400,
  not_found: 404,
  model_not_found: 404,
  no_chain: 404,
  node_unavailable: 503,
  instance_lost: 503,
  job_not_found: 404,
  method_not_allowed: 405,
  job_failed: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  rate_limit_exceeded: 429,
  unreadable_file: 500,
};

/** The client called it off: client libraries ask again after 408, 409, 429 and every 5xx, and never after this. */
const CALLED_OFF = 499;

/** Seconds after which asking again makes sense, where an error says nothing better: a ring needs some to mend; a limit refills; the next ring is there at once. */
const RETRY_AFTER_S: Readonly<Record<number, number>> = { 429: 10, 502: 1, 503: 5 };

/** Scheduler errors: nobody to answer, or too many asking, is 503; a job that broke on the way is 502. Both may be tried again. */
const SCHEDULER_STATUS: Readonly<Record<SchedulerError['code'], number>> = {
  'no-workers': 503,
  'not-covered': 503,
  'queue-full': 503,
  'prepare-timeout': 503,
  cancelled: CALLED_OFF,
  'worker-lost': 502,
  'stage-refused': 502,
  'prefix-gone': 502,
  stalled: 502,
  'link-lost': 502,
  fault: 502,
  'unknown-model': 404,
  'bad-order': 500,
};

/** What intake refuses is the request's fault (400), but for these. */
const INTAKE_STATUS: Readonly<Partial<Record<IntakeError['code'], number>>> = {
  model_not_found: 404,
  nonce_too_early: 409,
  nonce_too_late: 409,
  too_many_followers: 429,
  answer_unverified: 502,
  answer_changed: 502,
  stopping: 503,
  cancelled: CALLED_OFF,
};

/** What is wrong with a key opens nothing (401), but for these. */
const ACCOUNT_KIND: Readonly<Partial<Record<AccountError['code'], { readonly status: number; readonly type: ErrorType; readonly code: string }>>> = {
  'insufficient-scope': { status: 403, type: 'permission_error', code: 'insufficient_scope' },
  'bad-key': { status: 400, type: 'invalid_request_error', code: 'bad_key' },
  'too-many-keys': { status: 409, type: 'invalid_request_error', code: 'too_many_keys' },
  'no-such-key': { status: 404, type: 'invalid_request_error', code: 'key_not_found' },
};

/** What is wrong with an escrow is the request's fault (400), but for these. */
const ESCROW_STATUS: Readonly<Partial<Record<EscrowError['code'], number>>> = {
  escrow_budget_too_small: 402,
  escrow_spec_mismatch: 403,
  escrow_unknown: 404,
  escrow_not_open: 409,
  escrow_taken: 409,
  escrow_unconfirmed: 409,
  escrow_differs: 500,
  escrow_not_started: 502,
  escrow_role_missing: 503,
  escrow_node_silent: 503,
};

/** What is wrong with a change of the payout account is the request's fault (400), but for these. */
const PAYOUT_STATUS: Readonly<Partial<Record<PayoutLinkError['code'], number>>> = { identity_signature: 403, wallet_signature: 403, replayed: 409, node_silent: 503 };

/** The API's form of whatever a room threw. What is not one of our errors shows nothing of itself. `joinUrl`: where a tab begins to contribute, absolute. */
export function openAiError(error: unknown, joinUrl?: string): OpenAiError {
  const { status, type, code } = kindOf(error);
  const fields = error instanceof CiroError ? error.fields : {};
  const missing = joinUrl === undefined ? undefined : missingTabs(fields, joinUrl);
  const said = error instanceof CiroError && status !== 500 ? error.message : 'an error in the coordinator; nothing was charged: try again';
  const message = missing === undefined ? said : `${said}. Join: ${missing.join_url}`;
  const param = typeof fields['param'] === 'string' ? fields['param'] : null;
  const retryAfterMs = fields['retryAfterMs'];
  const retryAfterS = typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : RETRY_AFTER_S[status];
  return {
    status,
    body: { error: { message, type, param, code, ...(missing === undefined ? {} : { ciro: missing }) } },
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  };
}

function missingTabs({ missingWorkers, missingBytes, workerBytes }: Readonly<Record<string, unknown>>, joinUrl: string): MissingTabs | undefined {
  if (typeof missingWorkers !== 'number' || typeof missingBytes !== 'number' || typeof workerBytes !== 'number') return undefined;
  return { missing_tabs: missingWorkers, missing_bytes: missingBytes, tab_bytes: workerBytes, join_url: joinUrl };
}

function kindOf(error: unknown): { readonly status: number; readonly type: ErrorType; readonly code: string } {
  if (error instanceof EdgeError) {
    const status = EDGE_STATUS[error.code];
    return { status, type: typeOf(status), code: error.code };
  }
  if (error instanceof AccountError) return ACCOUNT_KIND[error.code] ?? { status: 401, type: 'authentication_error', code: 'invalid_api_key' };
  if (error instanceof LedgerError && error.code === 'key-budget') return { status: 402, type: 'insufficient_quota', code: 'key_budget_exceeded' };
  if (error instanceof LedgerError && error.code === 'insufficient' && error.fault === 'user') return { status: 402, type: 'insufficient_quota', code: 'insufficient_credits' };
  if (error instanceof TrialError) return { status: 429, type: 'rate_limit_error', code: underscored(error.code) };
  if (error instanceof SchedulerError) {
    const status = SCHEDULER_STATUS[error.code];
    return { status, type: typeOf(status), code: error.code === 'unknown-model' ? 'model_not_found' : underscored(error.code) };
  }
  if (error instanceof IntakeError) {
    const status = INTAKE_STATUS[error.code] ?? 400;
    return { status, type: typeOf(status), code: error.code };
  }
  if (error instanceof EscrowError) {
    const status = ESCROW_STATUS[error.code] ?? 400;
    return { status, type: typeOf(status), code: error.code };
  }
  if (error instanceof PayoutLinkError) return { status: PAYOUT_STATUS[error.code] ?? 400, type: error.code === 'node_silent' ? 'server_error' : 'invalid_request_error', code: error.code };
  if (error instanceof ModelsError && error.fault === 'user') return { status: error.code === 'unknown-shard' ? 404 : 400, type: 'invalid_request_error', code: underscored(error.code) };
  if (error instanceof ProtocolError) return { status: 400, type: 'invalid_request_error', code: underscored(error.code) };
  return { status: 500, type: 'server_error', code: 'internal_error' };
}

function typeOf(status: number): ErrorType {
  if (status >= 500) return 'server_error';
  if (status === 429) return 'rate_limit_error';
  return status === 402 ? 'insufficient_quota' : 'invalid_request_error';
}

const underscored = (code: string): string => code.replaceAll('-', '_');
