import { describe, expect, it } from 'vitest';
import { UsageError } from './job-options.ts';
import { parseVerifyOptions } from './verify-options.ts';

const KEY = `04${'ab'.repeat(64)}`;

describe('flags of verify', () => {
  it('takes a file, and what to check it with', () => {
    expect(parseVerifyOptions(['answer', 'evidence.json'])).toEqual({ file: 'evidence.json', recompute: false });
    expect(parseVerifyOptions(['answer', 'e.json', '--recompute', '--model', 'tiny.gguf', '--key', KEY])).toEqual({ file: 'e.json', recompute: true, model: 'tiny.gguf', key: KEY });
  });

  it.each([
    [[], 'what is to be verified is missing'],
    [['answer'], 'the file is missing'],
    [['anser', 'e.json'], '"anser" cannot be verified; expected answer'],
    [['epoch', '7'], 'verify epoch needs settlement epochs, which this release does not make'],
    [['ledger'], 'verify ledger needs an export of the ledger, which this release does not offer'],
    [['answer', 'a.json', 'b.json'], '"b.json" is one argument too many'],
    [['answer', 'a.json', '--key', '04AB'], '--key is not an uncompressed P-256 point'],
    [['answer', 'a.json', '--modle', 'x'], "Unknown option '--modle'"],
  ])('%j is refused with a sentence and the usage', (args, message) => {
    expect(() => parseVerifyOptions(args)).toThrow(UsageError);
    expect(() => parseVerifyOptions(args)).toThrow(message);
    expect(() => parseVerifyOptions(args)).toThrow('npm run verify -- answer FILE');
  });
});
