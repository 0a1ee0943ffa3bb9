const OURS = /CIRO-[A-Z]{2}: [a-z0-9 ,-]+/g;
const QUOTED = /'([A-Za-z][^'\n]{2,40})'/g;
/** What every failed call ends with; it tells nothing. */
const FRAMES = new Set(['ENTRYPOINT_FAILED', 'ENTRYPOINT_NOT_FOUND', 'argent/multicall-failed', 'multicall-failed']);
const MOST_CHARACTERS = 400;

/** The sentence inside a node's stack of failed calls: our error if there is one, else the innermost text of a contract. */
export function revertReason(text: string): string {
  const ours = text.match(OURS)?.at(-1);
  if (ours !== undefined) return ours.trim();
  const said = [...text.matchAll(QUOTED)].flatMap(([, quoted]) => (quoted === undefined || FRAMES.has(quoted) ? [] : [quoted]));
  return said.at(-1) ?? text.trim().slice(-MOST_CHARACTERS);
}
