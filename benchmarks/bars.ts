import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { number, parse, record, strictObject, string, union } from 'valibot';
import type { InferOutput } from 'valibot';

const AtLeast = strictObject({ at_least: number(), unit: string() });
const AtMost = strictObject({ at_most: number(), unit: string() });
/** A promise about one number: its limit, the side on which it has to be, and what the number is. */
export const Bar = union([AtLeast, AtMost]);
export type Bar = InferOutput<typeof Bar>;

/** Bars of one benchmark by id. */
export type Bars = Readonly<Record<string, Bar>>;

/** All bars of `folder/bars.json` by benchmark. The limits are the issues', verbatim: a bar changes when the promise does. */
export async function readBars(folder: string = import.meta.dirname): Promise<Readonly<Record<string, Bars>>> {
  const text = await readFile(join(folder, 'bars.json'), 'utf8');
  return parse(record(string(), record(string(), Bar)), JSON.parse(text));
}

export function limitOf(bar: Bar): number {
  return 'at_least' in bar ? bar.at_least : bar.at_most;
}

export function isMet(bar: Bar, value: number): boolean {
  return 'at_least' in bar ? value >= bar.at_least : value <= bar.at_most;
}
