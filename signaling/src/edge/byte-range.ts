/** Bytes `[from, to)` that a request asks for; `all` when it asks for none we serve, `unsatisfiable` when they are not there. */
export type ByteSpan = { readonly from: number; readonly to: number } | 'all' | 'unsatisfiable';

/** Reads a `Range` header for a body of `size` bytes (RFC 9110 section 14). Several ranges, or another unit, give the whole body. */
export function parseRange(header: string | undefined, size: number): ByteSpan {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (match === null) return 'all';
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return 'all';
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { from: size - length, to: size };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return 'all';
  if (from >= size) return 'unsatisfiable';
  return { from, to: last === '' ? size : Math.min(Number(last) + 1, size) };
}

/** Whether a header of entity tags (`If-None-Match`, `If-Range`) names this strong tag. */
export function namesTag(header: string | undefined, tag: string): boolean {
  return header !== undefined && header.split(',').some((each) => each.trim() === '*' || each.trim() === tag);
}
