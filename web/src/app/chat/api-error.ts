import { CiroError } from '@ciro/core/errors.ts';
import * as v from 'valibot';

/** OpenAI's error shape, as every endpoint of the coordinator uses it. */
export const ErrorBody = v.object({ error: v.object({ message: v.string(), code: v.nullish(v.union([v.string(), v.number()])), type: v.nullish(v.string()) }) });

/** A request that got no answer. `code` is the coordinator's own, or one of ours: `unreachable`, `broken_stream`, `http_STATUS`. */
export class ApiError extends CiroError {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** Seconds after which another try makes sense; 0 when nothing was said. */
  readonly retryAfter: number;

  constructor(code: string, message: string, options: { status: number; retryAfter?: number; cause?: unknown }) {
    super(code, message, { fault: options.status === 0 ? 'platform' : 'user', cause: options.cause });
    this.status = options.status;
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** The error in a body of the OpenAI shape; undefined when it is none. */
export function errorIn(body: unknown, status: number, retryAfter = 0): ApiError | undefined {
  const parsed = v.safeParse(ErrorBody, body);
  if (!parsed.success) return undefined;
  const { message, code, type } = parsed.output.error;
  return new ApiError(String(code ?? type ?? `http_${status}`), message, { status, retryAfter });
}

/** The error of a response that is not ok. */
export async function errorOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('retry-after') ?? '0') || 0;
  const body: unknown = await response.json().catch(() => undefined);
  return errorIn(body, response.status, retryAfter) ?? new ApiError(`http_${response.status}`, `the coordinator answered with HTTP status ${response.status}`, { status: response.status, retryAfter });
}
