import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { drawAt } from '@ciro/core/sampling/draw.ts';
import { sentence } from './prompts-sentences.ts';

function sentences(seed: number, count: number): string[] {
  let draws = 0;
  return Array.from({ length: count }, () => sentence((choices) => Math.floor(drawAt(seed, draws++) * choices)));
}

test('sentences depend on the draws alone and are rarely the same', () => {
  expect(sentences(7, 20)).toEqual(sentences(7, 20));
  expect(new Set(sentences(7, 400)).size).toBeGreaterThan(380);
});

test('every place of a template is filled', () => {
  for (const text of sentences(11, 400)) expect(text).toMatch(/^[^{}]+[.!?"]$/);
});

test('no sentence comes from the calibration corpus', async () => {
  const corpus = (await readFile(fileURLToPath(import.meta.resolve('@ciro/signaling/models/calibration-corpus.txt')), 'utf8')).toLowerCase();
  const parts = sentences(13, 400).flatMap((text) => text.split(/[;:,.!?"]/).map((part) => part.trim().toLowerCase()));
  expect(parts.filter((part) => part.split(' ').length > 4 && corpus.includes(part))).toEqual([]);
});
