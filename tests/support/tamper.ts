/** A value inside a JSON document, by its keys from the root. */
export interface Leaf {
  readonly path: readonly (string | number)[];
  readonly value: string | number | boolean | null;
}

/** What a party says of itself and nobody can check: measurements, clocks, self-declared engines, and what is not in the evidence. */
export const UNCHECKED: ReadonlySet<string> = new Set([
  'created',
  'ttft_ms',
  'tokens_per_second',
  ...['ms_per_token', 'commit_ms_per_token', 'unit_ms', 'lap_ms'].flatMap((name) => [`stages[*].${name}.p50`, `stages[*].${name}.p95`]),
  'stages[*].peak_memory_bytes',
  'stages[*].engine',
  'stages[*].link',
  // A payable credit may be shown as pending: booking lags behind the audit.
  'ledger.credits[*].status',
  // Who else was connected, since when, and why it gave no opinion is on no record but the coordinator's.
  'audits[*].candidates[*].worker',
  'audits[*].candidates[*].weight',
  'audits[*].note',
  'audits[*].decidedAt',
  'audits[*].opinions[*].engine',
  // To count ambiguous ids again takes the model: --recompute does.
  'audits[*].opinions[*].ids.ambiguous',
  // Says that the answer of another job is done again or gone on with, whose evidence is not in the file: reported as not checked.
  'corrects',
  'continues',
  'timings.install_ms',
]);

/** `stages[1].units[0].hints`. */
export const pathText = (path: Leaf['path']): string => path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('').replace(/^\./, '');

/** The same with every index, and every key that is a hash, as `*`: leaves of one kind have one text. */
export const kindOf = (path: Leaf['path']): string => pathText(path.map((key) => (typeof key === 'number' || /^[0-9a-f]{64}$/.test(key) ? '*' : key))).replaceAll('.*', '[*]');

/** Every string, number, boolean and null of a JSON document, in order. */
export function leavesOf(value: unknown, path: Leaf['path'] = []): Leaf[] {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [{ path, value }];
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, Array.isArray(value) ? Number(key) : key]));
}

/** A copy of a JSON document with another value at one place. */
export function withValue(document: unknown, [key, ...rest]: Leaf['path'], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(document)) return document.map((item: unknown, index) => (index === key ? withValue(item, rest, value) : item));
  return Object.fromEntries(Object.entries(document as object).map(([name, item]) => [name, name === key ? withValue(item, rest, value) : (item as unknown)]));
}

/** Another value of the same form, so that only its meaning is wrong: one digit, one character, one more, half as much, the opposite. */
export function flipped(value: Exclude<Leaf['value'], null>, random: (below: number) => number): string | number | boolean {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return Number.isInteger(value) && value !== 1 ? value + 1 : value / 2;
  const prefix = value.startsWith('0x') ? 2 : value.startsWith('04') && value.length === 130 ? 2 : 0;
  // The last characters of base64 may hold bits that stand for nothing.
  const body = value.length - prefix - (/[+/=]|[G-Zg-z]/.test(value) ? 4 : 0);
  if (body <= 0) return `${value}x`;
  const at = prefix + random(body);
  const old = value.charAt(at);
  return `${value.slice(0, at)}${/[0-9]/.test(old) ? String((Number(old) + 1) % 10) : old === 'a' ? 'b' : 'a'}${value.slice(at + 1)}`;
}

/** Paths of every array and object of a JSON document. */
export function branchesOf(value: unknown, path: Leaf['path'] = []): { readonly path: Leaf['path']; readonly value: object }[] {
  if (typeof value !== 'object' || value === null) return [];
  return [{ path, value }, ...Object.entries(value).flatMap(([key, item]) => branchesOf(item, [...path, Array.isArray(value) ? Number(key) : key]))];
}

/** One of each kind of place, drawn from all of that kind. */
export function oneOfEachKind<Place extends { readonly path: Leaf['path'] }>(places: readonly Place[], random: (below: number) => number): Place[] {
  const kinds = Map.groupBy(places, ({ path }) => kindOf(path));
  return [...kinds.values()].flatMap((all) => all[random(all.length)] ?? []);
}
