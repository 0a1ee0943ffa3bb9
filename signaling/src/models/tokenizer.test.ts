import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../../../tests/support/default-model.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { openGguf } from './gguf-file.ts';
import { ModelsError } from './models-error.ts';
import { Tokenizer } from './tokenizer.ts';
import type { WriterEntry } from '../../../tests/support/gguf-writer.ts';

const Vectors = v.object({ cases: v.array(v.object({ kind: v.string(), text: v.string(), ids: v.array(v.number()) })) });

const Cutting = v.object({ cases: v.array(v.object({ pre: v.string(), text: v.string(), ids: v.array(v.number()) })) });

function tiny(metadata: Record<string, WriterEntry | null> = {}): Tokenizer {
  const bytes = tinyLlamaGguf({ metadata });
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error('the header is incomplete');
  return Tokenizer.ofGguf(parse.header);
}

const text = (key: string, value: string): Record<string, WriterEntry> => ({ [key]: { key, type: 'STRING', value } });

describe.skipIf(DEFAULT_MODEL_PATH === undefined)(`the default model's tokenizer${NEEDS_DEFAULT_MODEL}`, () => {
  let tokenizer: Tokenizer;
  let cases: v.InferOutput<typeof Vectors>['cases'];
  beforeAll(async () => {
    tokenizer = Tokenizer.ofGguf((await openGguf(DEFAULT_MODEL_PATH ?? '')).header);
    cases = v.parse(Vectors, JSON.parse(await readFile(new URL('../../../core/vectors/tokenizer.json', import.meta.url), 'utf8'))).cases;
  });

  test('gives the ids of the reference implementation on at least 1,000 texts', () => {
    expect(cases.length).toBeGreaterThanOrEqual(1_000);
    const wrong = cases.filter((item) => tokenizer.encode(item.text).join() !== item.ids.join());
    expect(wrong.map((item) => [item.kind, item.text])).toEqual([]);
  });

  test.each(['gpt-2', 'llama-bpe', 'qwen2'])('cut in the %s way gives the ids of the reference implementation', async (pre) => {
    const vectors = v.parse(Cutting, JSON.parse(await readFile(new URL('../../../core/vectors/tokenizer-cutting.json', import.meta.url), 'utf8')));
    const { header } = await openGguf(DEFAULT_MODEL_PATH ?? '');
    const other = Tokenizer.ofGguf({ ...header, metadata: new Map(header.metadata).set('tokenizer.ggml.pre', { kind: 'string', value: pre }) });
    const mine = vectors.cases.filter((item) => item.pre === pre);
    expect(mine.length).toBeGreaterThan(400);
    expect(mine.filter((item) => other.encode(item.text).join() !== item.ids.join()).map((item) => item.text)).toEqual([]);
  });

  test('gives every text back, but for the bytes that have no token', () => {
    // The 21 bytes that the vocabulary lacks: six control characters, and the lead bytes of planes 4 to 15 or of no UTF-8.
    const lostControls = new Set([0x04, 0x06, 0x13, 0x14, 0x16, 0x1d]);
    const lost = (text: string): boolean => Array.from(text, (each) => each.codePointAt(0) ?? 0).some((code) => lostControls.has(code) || code >= 0x40000);
    const kept = cases.filter((item) => !lost(item.text));
    expect(kept.length).toBeGreaterThan(1_000);
    for (const item of kept) expect(tokenizer.decode(item.ids, { special: true })).toBe(item.text);
  });

  test('streams the same text as it decodes at once, and never ends a piece in half a character', () => {
    for (const item of cases) {
      const detokenizer = tokenizer.detokenizer({ special: true });
      const pieces = item.ids.map((id) => detokenizer.push(id));
      const joined = pieces.join('') + detokenizer.finish();
      expect(joined).toBe(tokenizer.decode(item.ids, { special: true }));
      if (!joined.includes('\ufffd')) for (const piece of pieces) expect(piece).not.toContain('\ufffd');
    }
  });

  test('leaves control tokens out of an answer unless they are asked for', () => {
    expect(tokenizer.decode([1, 9690, 198, 2])).toBe('system\n');
    expect(tokenizer.decode([1, 9690, 198, 2], { special: true })).toBe('<|im_start|>system\n<|im_end|>');
  });
});

test('an emoji spread over four tokens comes out whole with its last byte', () => {
  const tokenizer = tiny();
  const ids = tokenizer.encode('a🙂b');
  expect(ids.length).toBe(6);
  const detokenizer = tokenizer.detokenizer();
  expect(ids.map((id) => detokenizer.push(id))).toEqual(['a', '', '', '', '🙂', 'b']);
  expect(detokenizer.finish()).toBe('');
});

test('an answer that stops inside a character ends in one replacement character', () => {
  const tokenizer = tiny();
  const detokenizer = tokenizer.detokenizer();
  const ids = tokenizer.encode('a🙂').slice(0, 3);
  expect(ids.map((id) => detokenizer.push(id)).join('') + detokenizer.finish()).toBe('a\ufffd');
});

test('special tokens in a text are recognised and digits stand alone', () => {
  const tokenizer = tiny();
  expect(tokenizer.encode('<|im_start|>hello<|im_end|>')).toEqual([1, tokenizer.vocabulary.tokens.indexOf('hello'), 2]);
  expect(tokenizer.encode('12٣').length).toBe(1 + 1 + 2);
  expect(tokenizer.encode('')).toEqual([]);
});

test('BOS is put in front of a prompt once, where the file asks for it', () => {
  const addBos = { 'tokenizer.ggml.add_bos_token': { key: 'tokenizer.ggml.add_bos_token', type: 'BOOL', value: true } } as const;
  const asked = tiny(addBos);
  const hello = asked.vocabulary.tokens.indexOf('hello');
  expect(asked.encodePrompt('hello')).toEqual([1, hello]);
  expect(asked.encodePrompt('<|im_start|>hello')).toEqual([1, hello]);
  expect(tiny().encodePrompt('hello')).toEqual([hello]);
});

test.each(['gpt-2', 'llama-bpe', 'qwen2'])('the %s way of cutting text is built and gives texts back', (pre) => {
  const tokenizer = tiny(text('tokenizer.ggml.pre', pre));
  for (const sample of ["I'LL pay 12345 €, he'll 'SEE'\r\n\r\n  it!", '…\u0085x\ufeff y', 'hello the hello']) {
    expect(tokenizer.decode(tokenizer.encode(sample))).toBe(sample);
  }
});

test.each<[string, Record<string, WriterEntry | null>, string]>([
  ['an unknown way of cutting', text('tokenizer.ggml.pre', 'tekken'), 'tokenizer.ggml.pre is "tekken". Supported: smollm, gpt-2, llama-bpe, qwen2'],
  ['another algorithm', text('tokenizer.ggml.model', 'bert'), 'tokenizer.ggml.model is "bert"'],
  ['a merge of one word', { 'tokenizer.ggml.merges': { key: 'tokenizer.ggml.merges', type: 'STRING', array: ['a b', 'ab'] } }, 'tokenizer.ggml.merges[1] is "ab"'],
  ['too few token types', { 'tokenizer.ggml.token_type': { key: 'tokenizer.ggml.token_type', type: 'INT32', array: [1] } }, 'but 1 token types'],
])('%s is refused by name', (_, metadata, expected) => {
  expect(() => tiny(metadata)).toThrow(ModelsError);
  expect(() => tiny(metadata)).toThrow(expected);
});
