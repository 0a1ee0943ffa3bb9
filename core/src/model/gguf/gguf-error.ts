import { CiroError } from '../../errors.ts';

/** Why a file was refused. Each code names one broken rule of the format or one exceeded limit. */
export type GgufErrorCode =
  | 'bad-magic'
  | 'unsupported-version'
  | 'truncated'
  | 'limit-exceeded'
  | 'bad-utf8'
  | 'bad-value'
  | 'unknown-value-type'
  | 'nested-array'
  | 'duplicate'
  | 'unsupported-quantisation'
  | 'bad-dimensions'
  | 'misaligned'
  | 'overlap'
  | 'past-end-of-file'
  | 'missing-key'
  | 'wrong-key-type';

export type GgufErrorValues = Readonly<Record<string, string | number>>;

/** What the reader of the message should do, by code. */
const ADVICE: Record<GgufErrorCode, string> = {
  'bad-magic': 'Give a GGUF file; this is another format.',
  'unsupported-version': 'Convert the file to little-endian GGUF version 3.',
  truncated: 'Fetch the file again; it ends too early.',
  'limit-exceeded': 'The file is damaged, or larger than Ciro serves.',
  'bad-utf8': 'The file is damaged; fetch it again.',
  'bad-value': 'The file is damaged; fetch it again.',
  'unknown-value-type': 'The file is damaged, or newer than GGUF version 3.',
  'nested-array': 'Remove this key; no model needs an array of arrays.',
  duplicate: 'The file is damaged or forged; fetch it again.',
  'unsupported-quantisation': 'Use a file in one of the supported block formats.',
  'bad-dimensions': 'The file is damaged or forged; fetch it again.',
  misaligned: 'The file is damaged or forged; fetch it again.',
  overlap: 'The file is damaged or forged; fetch it again.',
  'past-end-of-file': 'Fetch the file again; it ends too early.',
  'missing-key': 'Use a file written by a current converter.',
  'wrong-key-type': 'Use a file written by a current converter.',
};

/** Names and strings of a hostile file enter messages and logs: longer ones are cut to this many characters. */
const QUOTED_CHARACTERS_MAX = 80;

/** A name from the file as it may appear in a message: cut, and with control characters escaped. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > QUOTED_CHARACTERS_MAX ? `${name.slice(0, QUOTED_CHARACTERS_MAX)}…` : name);
}

/** A GGUF file that was refused: `field` is where in the file, `fields` what stood there. */
export class GgufError extends CiroError<GgufErrorCode> {
  readonly field: string;

  constructor(code: GgufErrorCode, field: string, values: GgufErrorValues = {}) {
    const listed = Object.entries(values).map(([key, value]) => `${key} ${value}`);
    const detail = listed.length > 0 ? ` (${listed.join(', ')})` : '';
    super(code, `GGUF ${field}: ${code}${detail}. ${ADVICE[code]}`, { fault: 'user', fields: { field, ...values } });
    this.field = field;
  }
}
