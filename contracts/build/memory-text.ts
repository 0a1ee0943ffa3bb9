/**
 * What the compiler printed to a standard error that WebAssembly does not have. wasm-cairo answers "Compilation failed." or a count of
 * failed tests and nothing else; the text itself was formatted, and stands in its memory, freed but seldom overwritten.
 */

/** A diagnostic as the compiler placed it: line and column from 1 in the string it compiled. */
export interface RawDiagnostic {
  /** The allocator's list of free blocks may have eaten its first characters; it begins with … then. */
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface FailedTest {
  /** Path below the crate, as `token_test::tests::mints`. */
  readonly test: string;
  readonly reason: string;
}

const PLACE = / --> lib\.cairo:(\d{1,6}):(\d{1,4})\n/g;
const PLACE_START = ' --> lib.cairo:';
/** Longer than any message: it names types with their paths. */
const MOST_CHARACTERS = 2_000;
/** Messages that a build with warnings allowed does not fail for. */
const WARNING = /ed variable\. Consider|(nused|used|sed) import|deprecated|#\[must_use\]/;
const ERROR_PREFIX = /^(error(\[E\d+\])?|warning): /;

/** Diagnostics that can still be read in a compiler's memory, by their place, each place once with its longest message. */
export function diagnosticsIn(memory: Buffer): RawDiagnostic[] {
  const found = new Map<string, RawDiagnostic>();
  for (let at = memory.indexOf(PLACE_START); at !== -1; at = memory.indexOf(PLACE_START, at + 1)) {
    const start = Math.max(0, at - MOST_CHARACTERS);
    const text = memory.toString('latin1', start, at + 64);
    PLACE.lastIndex = at - start;
    const place = PLACE.exec(text);
    const message = printableEnd(text.slice(0, at - start));
    if (place === null || place.index !== at - start || message.length < 4 || WARNING.test(message)) continue;
    const [, line = '', column = ''] = place;
    const diagnostic = { message: whole(message), line: Number(line), column: Number(column) };
    const known = found.get(`${line}:${column}`);
    if (known === undefined || known.message.length < diagnostic.message.length) found.set(`${line}:${column}`, diagnostic);
  }
  return [...found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** The list that the test runner printed last: the longest one that is still whole. */
export function failedTestsIn(memory: Buffer): FailedTest[] {
  let best: FailedTest[] = [];
  const head = 'failures:\n';
  for (let at = memory.indexOf(head); at !== -1; at = memory.indexOf(head, at + 1)) {
    const lines = memory.toString('latin1', at + head.length, at + head.length + 100_000).split('\n');
    const end = lines.findIndex((line) => line === '');
    if (end === -1 || !(lines[end + 1] ?? '').startsWith('test result: FAILED')) continue;
    const failed = lines.slice(0, end).flatMap((line) => {
      const parts = /^ {3}astro::(\S+) - (.*)$/.exec(line);
      return parts === null ? [] : [{ test: parts[1] ?? '', reason: parts[2] ?? '' }];
    });
    if (failed.length === end && failed.length > best.length) best = failed;
  }
  return best;
}

/** Lines of printable text at the end of `text`. */
function printableEnd(text: string): string {
  let start = text.length;
  while (start > 0 && /[\x20-\x7e\n]/.test(text[start - 1] ?? '')) start -= 1;
  return text.slice(start).trim();
}

const whole = (message: string): string => (ERROR_PREFIX.test(message) ? message.replace(ERROR_PREFIX, '') : `…${message}`);
