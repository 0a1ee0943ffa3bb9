/** Who has to act on an error: it decides the HTTP status, the retry and whether a peer is scored. */
export type Fault = 'user' | 'peer' | 'platform' | 'timeout' | 'abort' | 'bug';

/**
 * Base of every room's error: a literal `code`, the values as fields, one sentence that says what failed and what to do.
 * A room declares `class GgufError extends CiroError<'bad-magic' | 'truncated'> {}` and throws that.
 */
export class CiroError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly fault: Fault;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, options: { fault: Fault; fields?: Record<string, unknown>; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.fault = options.fault;
    this.fields = options.fields ?? {};
  }
}
