import { CiroError } from '@ciro/core/errors.ts';

/** Causes that are followed: an error of a room, of its adapter, of the driver, of the system. */
const MAX_CAUSES = 4;
const MAX_MESSAGE = 1_000;

/** An error as the log shows it. Fields of our own errors are numbers, ids and names; others may carry what a client sent, and are left out. */
export type LoggedError = {
  readonly type: string;
  readonly code?: string;
  readonly fault?: string;
  readonly message: string;
  /** Where it was thrown; empty where nobody knows. */
  readonly stack: string;
  readonly cause?: LoggedError;
};

/** What is logged of an error. A schema's error repeats the value that it refused, so of it only the place is told. */
export function errorFields(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something that is no error was thrown', stack: '' };
  const message = repeatsInput(error) ? 'a value has another form than its schema' : error.message.slice(0, MAX_MESSAGE);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).slice(0, 12).join('\n');
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(error instanceof CiroError ? { fault: error.fault } : {}),
    message,
    stack,
    ...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: errorFields(error.cause, depth + 1) } : {}),
  };
}

/** Messages of these quote what was sent: valibot's, JSON.parse's, and PostgreSQL's about a value or a row. */
function repeatsInput(error: Error): boolean {
  return error.name === 'ValiError' || 'issues' in error || error instanceof SyntaxError || 'detail' in error;
}
