import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { writeGguf } from '../../../tests/support/gguf-writer.ts';
import { Tokenizer } from './tokenizer.ts';
import type { WriterEntry } from '../../../tests/support/gguf-writer.ts';

const Vectors = v.object({
  tokens: v.array(v.string()),
  scores: v.array(v.number()),
  types: v.array(v.number()),
  cases: v.array(v.object({ text: v.string(), ids: v.array(v.number()), decoded: v.string() })),
});

let vectors: v.InferOutput<typeof Vectors>;
beforeAll(async () => {
  vectors = v.parse(Vectors, JSON.parse(await readFile(new URL('../../../core/vectors/sentence-piece.json', import.meta.url), 'utf8')));
});

function tokenizer(extra: readonly WriterEntry[] = [], scores: readonly number[] = vectors.scores): Tokenizer {
  const bytes = writeGguf({
    tensors: [],
    metadata: [
      { key: 'tokenizer.ggml.model', type: 'STRING', value: 'llama' },
      { key: 'tokenizer.ggml.tokens', type: 'STRING', array: vectors.tokens },
      { key: 'tokenizer.ggml.scores', type: 'FLOAT32', array: scores },
      { key: 'tokenizer.ggml.token_type', type: 'INT32', array: vectors.types },
      { key: 'tokenizer.ggml.bos_token_id', type: 'UINT32', value: 1 },
      ...extra,
    ],
  });
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error('the header is incomplete');
  return Tokenizer.ofGguf(parse.header);
}

test('a SentencePiece vocabulary gives the ids and the text of the independent implementation', () => {
  const built = tokenizer();
  expect(vectors.cases.length).toBeGreaterThan(300);
  const wrong = vectors.cases.filter((item) => built.encode(item.text).join() !== item.ids.join() || built.decode(item.ids) !== item.decoded);
  expect(wrong.map((item) => item.text)).toEqual([]);
});

test('byte tokens of one character stream out as that character', () => {
  const built = tokenizer();
  const ids = built.encode('x𝓗y');
  const detokenizer = built.detokenizer();
  const pieces = ids.map((id) => detokenizer.push(id));
  expect(pieces.join('') + detokenizer.finish()).toBe('x𝓗y');
  expect(pieces).toContain('𝓗');
});

test('a prompt starts with BOS unless the file says otherwise', () => {
  expect(tokenizer().encodePrompt('hello')[0]).toBe(1);
  expect(tokenizer([{ key: 'tokenizer.ggml.add_bos_token', type: 'BOOL', value: false }]).encodePrompt('hello')[0]).not.toBe(1);
  expect(tokenizer().encodePrompt('<s>hello')).toEqual(tokenizer().encodePrompt('hello'));
});

test('a file that adds no space keeps a space that is there', () => {
  const plain = tokenizer([{ key: 'tokenizer.ggml.add_space_prefix', type: 'BOOL', value: false }]);
  for (const text of ['hello', ' hello', '  hello  ']) expect(plain.decode(plain.encode(text))).toBe(text);
});

test('a vocabulary without a score for every token is refused', () => {
  expect(() => tokenizer([], [1, 2, 3])).toThrowErrorMatchingInlineSnapshot(`[ModelsError: The file has 900 tokens but 3 scores. Fetch it again.]`);
});
