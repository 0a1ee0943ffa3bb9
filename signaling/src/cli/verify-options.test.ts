import { describe, expect, it } from 'vitest';
import { UsageError } from './job-options.ts';
import { parseVerifyOptions } from './verify-options.ts';

const KEY = `04${'ab'.repeat(64)}`;

describe('flags of verify', () => {
  it('takes a file, and what to check it with', () => {
    expect(parseVerifyOptions(['answer', 'evidence.json'])).toEqual({ what: 'answer', file: 'evidence.json', recompute: false });
    expect(parseVerifyOptions(['answer', 'e.json', '--recompute', '--model', 'tiny.gguf', '--key', KEY])).toEqual({ what: 'answer', file: 'e.json', recompute: true, model: 'tiny.gguf', key: KEY });
  });

  it('takes an epoch by file, address or number, and a ledger by file or address', () => {
    expect(parseVerifyOptions(['epoch', '7', '--before', '6'])).toEqual({ what: 'epoch', source: 'http://localhost:8080/v1/epochs/7', before: 'http://localhost:8080/v1/epochs/6' });
    expect(parseVerifyOptions(['epoch', '7', '--performance', '7'])).toEqual({ what: 'epoch', source: 'http://localhost:8080/v1/epochs/7', performance: 'http://localhost:8080/v1/epochs/7/performance' });
    expect(parseVerifyOptions(['epoch', '7', '--performance', 'p.json'])).toMatchObject({ performance: 'p.json' });
    expect(parseVerifyOptions(['epoch', 'e.json', '--before', '6', '--url', 'https://ciro.test/'])).toEqual({ what: 'epoch', source: 'e.json', before: 'https://ciro.test/v1/epochs/6' });
    expect(parseVerifyOptions(['ledger', 'https://ciro.test', '--save', 'l.json', '--key', KEY])).toEqual({ what: 'ledger', source: 'https://ciro.test', save: 'l.json', key: KEY });
  });

  it.each([
    [[], 'what is to be verified is missing'],
    [['answer'], 'the file is missing'],
    [['anser', 'e.json'], '"anser" cannot be verified; expected answer, epoch, ledger or case'],
    [['epoch'], 'the file or address is missing'],
    [['epoch', '7', '--recompute'], '--recompute is no flag of verify epoch'],
    [['ledger', 'l.json', '--before', 'e.json'], '--before is no flag of verify ledger'],
    [['ledger', 'l.json', '--key', '04'], '--key is not an uncompressed P-256 point'],
    [['answer', 'a.json', 'b.json'], '"b.json" is one argument too many'],
    [['answer', 'a.json', '--key', '04AB'], '--key is not an uncompressed P-256 point'],
    [['answer', 'a.json', '--modle', 'x'], "Unknown option '--modle'"],
  ])('%j is refused with a sentence and the usage', (args, message) => {
    expect(() => parseVerifyOptions(args)).toThrow(UsageError);
    expect(() => parseVerifyOptions(args)).toThrow(message);
    expect(() => parseVerifyOptions(args)).toThrow('npm run verify -- answer FILE');
  });
});
