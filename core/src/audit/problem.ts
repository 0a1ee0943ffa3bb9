/** True when the P-256 key (uncompressed point, hex) made this signature over SHA-256 of the bytes; false on anything malformed. */
export type VerifySignature = (publicKey: string, bytes: Uint8Array, signature: string) => Promise<boolean>;

/** Something in a draw or transcript that does not follow from what it is said to follow from. */
export interface AuditProblem {
  /** Path inside the draw or transcript, as in `opinions[1].verdict.first`. */
  readonly at: string;
  readonly expected: string;
  readonly got: string;
  /** What was compared, for a person. */
  readonly why: string;
}

/** Characters of a value that are shown: it came from outside. */
const MAX_SHOWN_CHARACTERS = 160;

/** Collects problems in the order in which they are found. */
export class Problems {
  readonly found: AuditProblem[] = [];

  /** Notes a problem unless both are the same; says whether they are. */
  compare(at: string, expected: unknown, got: unknown, why: string): boolean {
    const [a, b] = [shown(expected), shown(got)];
    if (a === b) return true;
    this.found.push({ at, expected: a.slice(0, MAX_SHOWN_CHARACTERS), got: b.slice(0, MAX_SHOWN_CHARACTERS), why });
    return false;
  }

  /** Notes a problem unless `holds`. */
  demand(holds: boolean, at: string, expected: string, got: unknown, why: string): boolean {
    if (!holds) this.found.push({ at, expected: expected.slice(0, MAX_SHOWN_CHARACTERS), got: shown(got).slice(0, MAX_SHOWN_CHARACTERS), why });
    return holds;
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
