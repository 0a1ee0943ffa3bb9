import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import { TAB_DEATHS } from '../../tests/support/tab-death.ts';
import type { TabDeath } from '../../tests/support/tab-death.ts';

/** A tab that is lost in the middle of an answer. */
export interface Kill {
  /** Index into the questions. */
  readonly question: number;
  readonly death: TabDeath;
  /** Stage whose tab it is. */
  readonly stage: number;
  /** Pieces of text after which it goes. */
  readonly piece: number;
}

/** A client has seen something of the answer, and enough of it is left for the loss to fall into it. */
export const FIRST_PIECE = 4;
export const LAST_PIECE = 40;

/** Where kills are drawn from. */
export interface KillSpace {
  readonly stages: number;
  readonly questions: number;
}

/** So many kills, each drawn evenly from the whole space; `name` keeps the draws of one seed apart. */
export function drawKills(seed: number, name: string, count: number, { stages, questions }: KillSpace): readonly Kill[] {
  const { below } = seededNumbers(seed, name);
  return Array.from({ length: count }, () => ({
    question: below(questions),
    death: TAB_DEATHS[below(TAB_DEATHS.length)] ?? TAB_DEATHS[0],
    stage: below(stages),
    piece: FIRST_PIECE + below(LAST_PIECE - FIRST_PIECE + 1),
  }));
}
