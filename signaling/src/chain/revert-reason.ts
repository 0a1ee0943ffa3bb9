import { MAX_REASON } from './chain-limits.ts';

/** Short strings that a panic left in a trace, e.g. `0x435... ('CIRO-PM: call not allowed')`; either quote, as nodes differ. */
const QUOTED = /\(\\?["']([ -!#-&(-[\]-~]{1,31})\\?["']\)/g;
/** Words of the frame around the reason. */
const FRAME = new Set(['ENTRYPOINT_FAILED', 'argent/multicall-failed']);

/** What a contract said when it reverted: the panic's short strings, innermost first, or the beginning of what the node said. At most `MAX_REASON` characters. */
export function revertReason(data: unknown): string {
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
  const said = [...text.matchAll(QUOTED)].map((match) => match[1] ?? '').filter((word) => !FRAME.has(word));
  const reason = said.length > 0 ? [...new Set(said)].join('; ') : text.replaceAll(/\s+/g, ' ');
  return reason.slice(0, MAX_REASON) || 'the node gave no reason';
}
