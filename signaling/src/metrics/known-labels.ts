/** Values that a label may have; anything else is counted as `other` (SPEC O1). */
export const OTHER = 'other';

/** Codes that a job may fail by. */
const FAILURE_CODES: ReadonlySet<string> = new Set([
  'no-workers', 'not-covered', 'queue-full', 'worker-lost', 'stage-refused', 'prefix-gone', 'prepare-timeout', 'stalled', 'link-lost', 'fault', 'cancelled', 'unknown-model', 'bad-order',
]);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const ABOUTS: ReadonlySet<string> = new Set(['settlement', 'escrow', 'disputes', 'job']);

export const failureCode = (code: unknown): string => (typeof code === 'string' && FAILURE_CODES.has(code) ? code : OTHER);
export const methodLabel = (method: string): string => (METHODS.has(method) ? method : OTHER);
/** Where a background error came from; a job's id is told as `job`. */
export const aboutLabel = (about: { readonly about?: unknown; readonly job?: unknown }): string => {
  if (about.job !== undefined) return 'job';
  return typeof about.about === 'string' && ABOUTS.has(about.about) ? about.about : OTHER;
};
/** `2xx` and so on. */
export const statusClass = (status: number): string => (status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : OTHER);
