/** The first element that is not what it should be. `at`: its path in the evidence, as in `stages[1].units[0].hints`. */
export interface WrongElement {
  readonly at: string;
  readonly expected: string;
  readonly got: string;
  /** What was compared, for a person. */
  readonly why: string;
}

/** One thing that was looked at. `name` is stable: a page or a script may know it by that. */
export type Check =
  | { readonly name: string; readonly state: 'ok'; readonly detail: string }
  | { readonly name: string; readonly state: 'failed'; readonly wrong: WrongElement }
  | { readonly name: string; readonly state: 'not checked'; readonly reason: string };

/**
 * What came of checking a piece of evidence. `verified`: nothing is wrong in anything that was looked at; what was not looked at
 * is in the list with its reason. `first` is the wrong element of the first check that failed.
 */
export interface Report {
  readonly verdict: 'verified' | 'failed';
  readonly checks: readonly Check[];
  readonly first: WrongElement | null;
}

/** Characters of one value in a message: evidence from outside must not fill a terminal. */
const MAX_SHOWN_CHARACTERS = 160;

export const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}… (${text.length} characters)`;
};

export const wrong = (at: string, expected: unknown, got: unknown, why: string): WrongElement => ({ at, expected: shown(expected), got: shown(got), why });

/** Undefined when both are the same string, number, boolean or null. */
export const differs = (at: string, expected: string | number | boolean | null, got: string | number | boolean | null, why: string): WrongElement | undefined =>
  expected === got ? undefined : wrong(at, expected, got, why);

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail });
export const notChecked = (name: string, reason: string): Check => ({ name, state: 'not checked', reason });
export const failed = (name: string, element: WrongElement): Check => ({ name, state: 'failed', wrong: element });

/** `failed` with this element, or `ok` when there is none. */
export const checkOf = (name: string, element: WrongElement | undefined, detail: string): Check => (element === undefined ? ok(name, detail) : failed(name, element));

export function reportOf(checks: readonly Check[]): Report {
  const bad = checks.find((check) => check.state === 'failed');
  return { verdict: bad === undefined ? 'verified' : 'failed', checks, first: bad?.wrong ?? null };
}
