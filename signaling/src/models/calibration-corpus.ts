import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { ModelsError } from './models-error.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Version of the calibration: corpus, how it is cut into sequences, and how a table is made from their rows. Any change to
 * one of them raises it, since the table is part of the model id (PROTOCOL 5).
 */
export const CALIBRATION_VERSION = 3;

/** SHA-256 of calibration-corpus.txt at this version; a test holds the two together. */
export const CALIBRATION_CORPUS_SHA256 = '2bf0d03a9e1103766d42b3a1b5d7925655b7e14659ff2646b9620d63541d457f';

const CORPUS = new URL('calibration-corpus.txt', import.meta.url);
/** A plain text gives at most one and a half chunks: many first tokens matter more than long texts. */
const TEXT_TOKENS_MAX = 24;
/** Conversations reach further, since positions are absolute. */
const CHAT_TOKENS_MAX = 96;
/** PROTOCOL 5: position 0 is calibrated over at least this many different tokens. */
const FIRST_TOKENS_MIN = 64;

/** Token ids of one run from position 0. */
export interface CalibrationSequence {
  readonly ids: Uint32Array;
  /** Not part of the scales: rows that no scale was fitted to are what can break them. */
  readonly heldOut: boolean;
}

const Conversation = v.array(v.strictObject({ role: v.string(), content: v.string() }));

/**
 * The corpus in a model's own tokens. Plain texts start with tokens that no other sequence starts with: a text whose first
 * token was seen loses tokens from its front until it starts with a new one. Conversations go through the chat template.
 *
 * @throws ModelsError `calibration-refused` when the vocabulary is too small for 64 different first tokens
 */
export async function calibrationSequences(tokenizer: Tokenizer, template: ChatTemplate): Promise<CalibrationSequence[]> {
  const firstTokens = new Set<number>();
  const sequences: CalibrationSequence[] = [];
  for (const section of sectionsOf(await readFile(CORPUS, 'utf8'))) {
    const ids = section.kind === 'chat' ? chatIds(section.text, tokenizer, template) : textIds(section.text, tokenizer, firstTokens);
    if (ids.length > 0) sequences.push({ ids: Uint32Array.from(ids), heldOut: section.heldOut });
  }
  const scaled = new Set(sequences.filter((sequence) => !sequence.heldOut).map((sequence) => sequence.ids[0]));
  if (scaled.size < FIRST_TOKENS_MIN) {
    throw new ModelsError('calibration-refused', `The calibration corpus starts with only ${scaled.size} different tokens of this model; ${FIRST_TOKENS_MIN} are needed.`, {
      fault: 'user',
      fields: { firstTokens: scaled.size, needed: FIRST_TOKENS_MIN },
    });
  }
  return sequences;
}

interface Section {
  readonly kind: string;
  readonly heldOut: boolean;
  readonly text: string;
}

/** A section is a line `### kind` or `### kind | held out`, then its text; a text of `\n` alone stands for newlines, which an editor would eat. */
function sectionsOf(corpus: string): Section[] {
  return corpus
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      const text = section.slice(end + 1).replace(/\n$/, '');
      const [kind = '', mark] = section.slice(0, end).split(' | ');
      return { kind, heldOut: mark === 'held out', text: /^(\\n)+$/.test(text) ? text.replaceAll('\\n', '\n') : text };
    });
}

function textIds(text: string, tokenizer: Tokenizer, firstTokens: Set<number>): number[] {
  const ids = tokenizer.encode(text);
  const start = ids.findIndex((id) => !firstTokens.has(id));
  const first = ids[start];
  if (first === undefined) return [];
  firstTokens.add(first);
  return ids.slice(start, start + TEXT_TOKENS_MAX);
}

function chatIds(text: string, tokenizer: Tokenizer, template: ChatTemplate): number[] {
  const messages = v.parse(Conversation, JSON.parse(text));
  const rendered = template.render(messages, messages.at(-1)?.role === 'user');
  return tokenizer.encodePrompt(rendered).slice(0, CHAT_TOKENS_MAX);
}
