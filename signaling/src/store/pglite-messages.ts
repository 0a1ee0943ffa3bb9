/** A query for the thread that holds the database, and what becomes of it. Both are structured-cloned. */
export interface PgliteQuery {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface PgliteRows {
  readonly rows: readonly object[];
  readonly affectedRows: number | undefined;
}

export type PgliteAnswer =
  /** The database is open. */
  | { readonly say: 'open' }
  | { readonly say: 'rows'; readonly id: number; readonly result: PgliteRows }
  /** An error with the fields that PostgreSQL gave it: `code`, `detail`, `constraint` … */
  | { readonly say: 'failed'; readonly id: number; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  /** Could not be opened. */
  | { readonly say: 'unavailable'; readonly message: string }
  | { readonly say: 'closed' };

/** Sent instead of a query: ends the thread once everything is on disk. */
export const CLOSE = 'close';
