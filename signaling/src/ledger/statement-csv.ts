import type { StatementRow } from './account-statements.ts';

const COLUMNS = ['entry', 'time', 'kind', 'job', 'cause', 'purse', 'credit', 'debit', 'balance'] as const;
/** What spreadsheets take for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r\n]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** A field of RFC 4180 that no spreadsheet reads as a formula: such a text gets an apostrophe before it. */
export function csvField(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as RFC 4180 text with a header line. Amounts are base units, in or out, so that no field begins with a sign. */
export function statementCsv(rows: readonly StatementRow[]): string {
  const lines = rows.map(({ sequence, at, kind, job, key, purse, amount, balance }) => [
    String(sequence),
    new Date(at).toISOString(),
    kind,
    job ?? '',
    key,
    purse,
    amount > 0n ? String(amount) : '',
    amount < 0n ? String(-amount) : '',
    String(balance),
  ]);
  return [COLUMNS, ...lines].map((fields) => `${fields.map(csvField).join(',')}\r\n`).join('');
}
