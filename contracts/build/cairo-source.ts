/** What the tools read out of a Cairo file. It is no parser: comments and short strings are blanked, then patterns are looked for. */

/** The same text with comments and the insides of strings replaced by spaces: every offset and line stays where it was. */
export function blankComments(source: string): string {
  return source.replace(/\/\/[^\n]*|'[^'\n]*'|"(?:\\.|[^"\\])*"/g, (found) => found.replace(/[^\n]/g, ' '));
}

/** Modules of ours that `source` names, `crate::<module>`, each once, in the order of their first mention. */
export function modulesNamedIn(source: string): string[] {
  const found = blankComments(source).matchAll(/\bcrate\s*::\s*(?:([a-z_][a-z0-9_]*)|\{)/g);
  const names = new Set<string>();
  for (const match of found) {
    const [, name] = match;
    if (name !== undefined) names.add(name);
    else for (const first of firstSegments(blankComments(source), match.index + match[0].length)) names.add(first);
  }
  return [...names];
}

/** First path segments of a braced import whose inside begins at `at`: `{a::B, c::{D, E}}` gives a, c. */
function firstSegments(source: string, at: number): string[] {
  const segments: string[] = [];
  let depth = 0;
  let expectName = true;
  for (let i = at; i < source.length && depth >= 0; i++) {
    const char = source[i];
    if (char === '{') depth += 1;
    else if (char === '}') depth -= 1;
    else if (char === ',' && depth === 0) expectName = true;
    else if (depth === 0 && expectName) {
      const name = /^[a-z_][a-z0-9_]*/.exec(source.slice(i))?.[0];
      if (name !== undefined) {
        segments.push(name);
        i += name.length - 1;
        expectName = false;
      }
    }
  }
  return segments;
}

/** Names of the contracts that a file defines: the modules under `#[starknet::contract]`. */
export function contractsIn(source: string): string[] {
  return [...blankComments(source).matchAll(/#\[starknet::contract\]\s*(?:pub\s+)?mod\s+([A-Za-z_][A-Za-z0-9_]*)/g)].flatMap(([, name]) => name ?? []);
}

const TEST = /#\[test\](?:\s*#\[(?:[^[\]]|\[[^\]]*\])*\])*\s*(?:pub\s+)?fn\s+([A-Za-z_][A-Za-z0-9_]*)/g;

/** Last names of the functions under `#[test]`, in their order. */
export function testsIn(source: string): string[] {
  return [...blankComments(source).matchAll(TEST)].flatMap(([, name]) => name ?? []);
}

/** The same text with all tests but those of these names blanked: every line stays where it was. */
export function withTests(source: string, names: ReadonlySet<string>): string {
  const blanked = blankComments(source);
  let kept = '';
  let at = 0;
  for (const match of blanked.matchAll(TEST)) {
    if (names.has(match[1] ?? '')) continue;
    const end = endOfBody(blanked, match.index + match[0].length);
    kept += source.slice(at, match.index) + source.slice(match.index, end).replace(/[^\n]/g, ' ');
    at = end;
  }
  return kept + source.slice(at);
}

/** Where the braces that are opened next are closed. */
function endOfBody(blanked: string, from: number): number {
  let depth = 0;
  for (let i = blanked.indexOf('{', from); i < blanked.length; i++) {
    if (blanked[i] === '{') depth += 1;
    else if (blanked[i] === '}' && --depth === 0) return i + 1;
  }
  return blanked.length;
}
