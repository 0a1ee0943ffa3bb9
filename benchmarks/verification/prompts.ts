/** What the stages are given: seeded sequences of 64 ids, none of them from the calibration corpus. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { drawAt } from '@ciro/core/sampling/draw.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import { SEEDED_FIRST_ID, SEEDED_PLAIN_ID_MIN } from './models-seeded.ts';
import { sentence } from './prompts-sentences.ts';
import { openContinuation } from './prompts-continuation.ts';
import type { BenchModel } from './models.ts';

export const PROMPT_SEED = 20_251_123;
export const PROMPTS = 200;
/** Positions of every prompt: four units. */
export const PROMPT_POSITIONS = 64;
/** Conversations whose answers are steered are longer: 200 answers of some fifty tokens, so that a rate of 0.1 % is ten of them. */
export const ANSWER_POSITIONS = 96;
export const ANSWER_SEED = PROMPT_SEED + 10_000;

export interface PromptSet {
  /** Names the ids: SHA-256 of all of them. */
  readonly key: string;
  /** As many positions each as all the others. */
  readonly ids: readonly Uint32Array[];
  /** Of conversations: how many of the ids were asked; the others are the model's answer. */
  readonly asked?: readonly number[];
}

/**
 * The prompts of a model: all 200, or each `share`-th part of them (20: the first 10). SmolLM2: sentences made from
 * templates, every second one a conversation that goes on with the model's own greedy answer. Seeded model: random ids.
 */
export async function promptsOf(model: BenchModel, share = 1): Promise<PromptSet> {
  const count = Math.max(1, Math.ceil(PROMPTS / share));
  return setOf(model.key === 'smollm2' ? await continued(model, Array.from({ length: count }, (_, index) => beginning(model, index)), PROMPT_POSITIONS) : Array.from({ length: count }, (_, index) => randomIds(model, index)));
}

/** Conversations that go on with the model's own greedy answers, 96 positions each: all 200, or each `share`-th part of them. */
export async function answersOf(model: BenchModel, share = 1): Promise<PromptSet> {
  const beginnings = Array.from({ length: Math.max(1, Math.ceil(PROMPTS / share)) }, (_, index) => conversation(model, picker(ANSWER_SEED + index)));
  return { ...setOf(await continued(model, beginnings, ANSWER_POSITIONS)), asked: beginnings.map(({ length }) => length) };
}

function setOf(ids: readonly Uint32Array[]): PromptSet {
  const hash = createHash('sha256');
  for (const each of ids) hash.update(new Uint8Array(each.buffer));
  return { key: hash.digest('hex'), ids };
}

function randomIds(model: BenchModel, index: number): Uint32Array {
  const { vocabulary } = model.manifest.architecture;
  const ids = Uint32Array.from({ length: PROMPT_POSITIONS }, (_, position) => SEEDED_PLAIN_ID_MIN + Math.floor(drawAt(PROMPT_SEED + index, position) * (vocabulary - SEEDED_PLAIN_ID_MIN)));
  ids[0] = SEEDED_FIRST_ID;
  return ids;
}

async function continued(model: BenchModel, beginnings: readonly (readonly number[])[], positions: number): Promise<Uint32Array[]> {
  const file = join(cacheFolder(), 'verification', `continuations-${positions}-${createHash('sha256').update(model.id).update(JSON.stringify(beginnings)).digest('hex').slice(0, 16)}.json`);
  const known: unknown = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
  if (Array.isArray(known)) return known.map((ids) => Uint32Array.from(ids));
  await using model30 = await openContinuation(model, positions);
  const prompts: Uint32Array[] = [];
  for (const ids of beginnings) prompts.push(Uint32Array.from(await model30.continue(ids, greedy)));
  await mkdir(join(cacheFolder(), 'verification'), { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(prompts.map((ids) => [...ids])));
  await rename(`${file}.${process.pid}`, file);
  return prompts;
}

/** Plain text fills all positions; a conversation leaves about half of them to the answer. */
function beginning(model: BenchModel, index: number): number[] {
  const pick = picker(PROMPT_SEED + index);
  if (index % 2 === 1) return conversation(model, pick);
  const ids: number[] = [];
  while (ids.length < PROMPT_POSITIONS) ids.push(...model.tokenizer.encode(`${ids.length === 0 ? '' : ' '}${sentence(pick)}`));
  return ids.slice(0, PROMPT_POSITIONS);
}

type Pick = (choices: number) => number;

function picker(seed: number): Pick {
  let draws = 0;
  return (choices) => Math.floor(drawAt(seed, draws++) * choices);
}

function conversation({ tokenizer, template }: BenchModel, pick: Pick): number[] {
  const messages = [{ role: 'system', content: 'Answer briefly.' }, { role: 'user', content: `${sentence(pick)} What may follow?` }];
  return tokenizer.encodePrompt(template.render(messages)).slice(0, PROMPT_POSITIONS);
}
