/**
 * Which branches of the contracts the Cairo tests take. The compiler counts none, so every place where the flow can go two ways gets a call that
 * prints its number: a function's body, both ways of an `if` (also the one that is not written), each arm of a `match`, a loop's body.
 */
import { blankComments } from './cairo-source.ts';
import type { Sources } from './bundle.ts';

/** A place that tests can reach or not. */
export interface Branch {
  readonly module: string;
  /** From 1. */
  readonly line: number;
  readonly kind: 'function' | 'if' | 'else' | 'arm' | 'loop';
}

export interface Instrumented {
  /** Lines are those of the sources: nothing is put on a line of its own. */
  readonly sources: Sources;
  readonly branches: readonly Branch[];
  /** Which of `branches` a printed felt stands for. */
  readonly branchOf: (printed: bigint) => number | undefined;
}

const FOR_TESTS = /_(test|fixture)$/;
const MODULE = 'branch_counter';
const COUNTER = 'pub fn hit(branch: felt252) {\n    core::debug::print(array![branch]);\n}\n';
/** Added to a branch's number, so that what else is printed is not taken for one. */
const BASE = 0xc1c0_0000_0000n;

/** Only `modules` are counted, all that are not for tests when absent. */
export function instrument(sources: Sources, modules: ReadonlySet<string> = new Set([...sources.keys()].filter((module) => !FOR_TESTS.test(module)))): Instrumented {
  const branches: Branch[] = [];
  const made = new Map<string, string>();
  for (const [module, source] of sources) {
    if (!modules.has(module)) {
      made.set(module, source);
      continue;
    }
    const edits = editsIn(blankComments(source));
    let text = '';
    let at = 0;
    for (const { offset, kind, before, after } of edits) {
      text += source.slice(at, offset);
      at = offset;
      if (kind === undefined) text += before;
      else {
        branches.push({ module, line: source.slice(0, offset).split('\n').length, kind });
        text += `${before} crate::${MODULE}::hit(${BASE + BigInt(branches.length - 1)});${after}`;
      }
    }
    made.set(module, text + source.slice(at));
  }
  made.set(MODULE, COUNTER);
  const branchOf = (printed: bigint): number | undefined => (printed >= BASE && printed < BASE + BigInt(branches.length) ? Number(printed - BASE) : undefined);
  return { sources: made, branches, branchOf };
}

/** `before`, the call of the counter where there is a `kind`, `after`: all put in at `offset`. */
interface Edit {
  readonly offset: number;
  readonly kind?: Branch['kind'];
  readonly before: string;
  readonly after: string;
  /** Where what the edit belongs to begins: of two that end at one place the inner one ends first. */
  readonly start: number;
  readonly closes: boolean;
}

function editsIn(blank: string): Edit[] {
  const edits: Edit[] = [];
  const open = (kind: Branch['kind'], brace: number): void => void edits.push({ offset: brace + 1, kind, before: '', after: '', start: brace, closes: false });
  for (const { 1: word, index } of blank.matchAll(/\b(fn|if|while|for|loop|match)\b/g)) {
    const brace = nextAtDepth0(blank, index, '{;');
    if (blank[brace] !== '{') continue;
    const end = closing(blank, brace);
    if (word === 'match') edits.push(...armsIn(blank, brace, end));
    else open(word === 'fn' ? 'function' : word === 'if' ? 'if' : 'loop', brace);
    if (word !== 'if') continue;
    const [, otherwise = 'nothing'] = /^\s*else\b\s*(if\b|)/.exec(blank.slice(end + 1)) ?? [];
    if (otherwise === 'nothing') edits.push({ offset: end + 1, kind: 'else', before: ' else {', after: ' }', start: index, closes: true });
    else if (otherwise === '') open('else', blank.indexOf('{', end + 1));
  }
  return edits.sort((a, b) => a.offset - b.offset || Number(b.closes) - Number(a.closes) || (a.closes ? b.start - a.start : a.start - b.start));
}

function armsIn(blank: string, brace: number, end: number): Edit[] {
  const edits: Edit[] = [];
  for (let at = nextAtDepth0(blank, brace + 1, '='); at < end; at = nextAtDepth0(blank, at, '=')) {
    if (blank[at + 1] !== '>') {
      at += 1;
      continue;
    }
    const body = at + 2 + (/^\s*/.exec(blank.slice(at + 2))?.[0].length ?? 0);
    const isBlock = blank[body] === '{';
    const bodyEnd = isBlock ? closing(blank, body) + 1 : Math.min(end, nextAtDepth0(blank, body, ','));
    edits.push({ offset: isBlock ? body + 1 : body, kind: 'arm', before: isBlock ? '' : '{', after: '', start: body, closes: false });
    if (!isBlock) edits.push({ offset: bodyEnd, before: ' }', after: '', start: body, closes: true });
    at = bodyEnd;
  }
  return edits;
}

/** The next of `wanted` from `from` on that stands in no bracket opened since; the end of the text if there is none. */
function nextAtDepth0(blank: string, from: number, wanted: string): number {
  let depth = 0;
  for (let at = from; at < blank.length; at += 1) {
    const char = blank[at] ?? '';
    if (depth === 0 && wanted.includes(char)) return at;
    if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char) && --depth < 0) return blank.length;
  }
  return blank.length;
}

function closing(blank: string, brace: number): number {
  let depth = 0;
  for (let at = brace; at < blank.length; at += 1) {
    if (blank[at] === '{') depth += 1;
    else if (blank[at] === '}' && --depth === 0) return at;
  }
  return blank.length;
}
