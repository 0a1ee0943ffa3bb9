import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AnswerText } from './answer-text.ts';

/** Seed of this run; set it as CIRO_SEED to repeat a failure. */
const SEED = Number(process.env['CIRO_SEED'] ?? Date.now() % 2 ** 31);

/** Ids are indexes into `pieces`; the last piece comes only at the end, as half a character would. */
function answer(pieces: readonly string[], stops: readonly string[], rest = '') {
  const text = new AnswerText({ push: (id) => pieces[id] ?? '', finish: () => rest }, stops);
  const sent = pieces.map((_, id) => text.push(id));
  return { sent: [...sent, text.finish()], text };
}

it('passes text on as it comes when there is nothing to stop at', () => {
  expect(answer(['Par', 'is', ''], [], '!').sent).toEqual(['Par', 'is', '', '!']);
});

it('holds back what may become a stop string, and gives it out when it does not', () => {
  expect(answer(['a', 'b', 'c', 'd'], ['bcx']).sent).toEqual(['a', '', '', 'bcd', '']);
  expect(answer(['ab'], ['bc']).sent).toEqual(['a', 'b']);
});

it('cuts before the first stop string, however it is spread, and sends nothing behind it', () => {
  const { sent, text } = answer(['one ', 'two ST', 'O', 'P three', 'four'], ['STOP', 'four']);
  expect(sent.join('')).toBe('one two ');
  expect(text.stopped).toBe(true);
});

it('the earliest of several stop strings counts, even inside one piece', () => {
  expect(answer(['x b a y'], ['a', 'b']).sent.join('')).toBe('x ');
});

it('a stop string in what the decoder gives at the end is cut too', () => {
  expect(answer(['ab'], ['bc'], 'cd').sent.join('')).toBe('a');
});

it(`joined pieces are the text up to the first stop string, in whatever pieces it comes (seed ${SEED})`, () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), fc.array(stop, { maxLength: 4 }), (pieces, stops) => {
      const whole = pieces.join('');
      const cuts = stops.map((each) => whole.indexOf(each)).filter((at) => at >= 0);
      const expected = cuts.length === 0 ? whole : whole.slice(0, Math.min(...cuts));
      const { sent } = answer(pieces, stops);
      // A stop string that completes first wins over one that began earlier: both cut, and never later than the first complete one.
      const joined = sent.join('');
      expect(whole.startsWith(joined)).toBe(true);
      for (const each of stops) expect(joined.includes(each)).toBe(false);
      expect(joined.length).toBeGreaterThanOrEqual(expected.length);
      if (cuts.length === 0) expect(joined).toBe(whole);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});
