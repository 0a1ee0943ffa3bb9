import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { parseGguf } from '@ciro/core/model/gguf/parse-gguf.ts';
import { DEFAULT_MODEL_PATH, NEEDS_DEFAULT_MODEL } from '../../../tests/support/default-model.ts';
import { tinyLlamaGguf } from '../../../tests/support/tiny-llama.ts';
import { ChatTemplate } from './chat-template.ts';
import { openGguf } from './gguf-file.ts';
import { ModelsError } from './models-error.ts';
import { Tokenizer } from './tokenizer.ts';

const Vectors = v.object({
  cases: v.array(
    v.object({
      messages: v.array(v.object({ role: v.string(), content: v.string() })),
      add_generation_prompt: v.boolean(),
      rendered: v.string(),
    }),
  ),
});

function templateOf(source: string | null): ChatTemplate {
  const key = 'tokenizer.chat_template';
  const bytes = tinyLlamaGguf({ metadata: { [key]: source === null ? null : { key, type: 'STRING', value: source } } });
  const parse = parseGguf(bytes, bytes.length);
  if (parse.kind !== 'header') throw new Error('the header is incomplete');
  return ChatTemplate.ofGguf(parse.header, Tokenizer.ofGguf(parse.header));
}

test.skipIf(DEFAULT_MODEL_PATH === undefined)(`the default model's template renders as the reference does${NEEDS_DEFAULT_MODEL}`, async () => {
  const { header } = await openGguf(DEFAULT_MODEL_PATH ?? '');
  const template = ChatTemplate.ofGguf(header, Tokenizer.ofGguf(header));
  const vectors = await readFile(new URL('../../../core/vectors/chat-template.json', import.meta.url), 'utf8');
  const { cases } = v.parse(Vectors, JSON.parse(vectors));
  expect(cases.length).toBeGreaterThan(50);
  for (const item of cases) expect(template.render(item.messages, item.add_generation_prompt)).toBe(item.rendered);
});

test('bos and eos are named to the template', () => {
  expect(templateOf('{{ bos_token }}{{ messages[0].content }}{{ eos_token }}').render([{ role: 'user', content: 'x' }])).toBe('<|im_start|>x<|im_end|>');
});

test('tools and documents are none, as the reference passes them', () => {
  expect(templateOf('{% if tools is not none %}tools{% endif %}{% if documents %}documents{% endif %}{{ messages[0].role }}').render([{ role: 'user', content: '' }])).toBe('user');
});

test('a template that refuses the messages says why', () => {
  const template = templateOf("{% if messages[0].role != 'user' %}{{ raise_exception('roles must start with user') }}{% endif %}ok");
  expect(template.render([{ role: 'user', content: '' }])).toBe('ok');
  expect(() => template.render([{ role: 'assistant', content: '' }])).toThrowErrorMatchingInlineSnapshot(`[ModelsError: The model's chat template refused the messages: roles must start with user.]`);
});

test('a file without a template, or with a broken one, is refused', () => {
  expect(() => templateOf(null)).toThrowErrorMatchingInlineSnapshot(`[ModelsError: The file has no tokenizer.chat_template, so messages cannot be turned into a prompt. Use an instruct model.]`);
  expect(() => templateOf('{% for %}')).toThrow(ModelsError);
});
