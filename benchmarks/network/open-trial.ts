import * as v from 'valibot';
import { TRIAL_CREDITS } from '@ciro/core/units.ts';
import { answerOf } from '../../tests/support/network-question.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Door, NetworkQuestion } from '../../tests/support/network-question.ts';

const Trial = v.object({ key: v.string() });

/** A key of the coordinator at this URL, with credits of its own; `from`: as if asked for from that address, by a proxy on this machine. */
export async function openTrial(url: string, from?: string): Promise<Door> {
  const response = await fetch(new URL('/v1/trial', url), { method: 'POST', ...(from && { headers: { 'x-forwarded-for': from } }) });
  return { url, trialKey: v.parse(Trial, await response.json()).key };
}

/** The most that one question of a benchmark may hold, in credits: its prompt and all of its answer. */
const QUESTION_CREDITS = 500;

/** Doors to one coordinator, each with credits enough for the next question. */
export class TrialDoors {
  #door: Door;
  #spent = 0;

  constructor(first: Door) {
    this.#door = first;
  }

  /** A door whose trial has the next question left. */
  async next(): Promise<Door> {
    if (this.#spent + QUESTION_CREDITS > Number(TRIAL_CREDITS)) {
      this.#door = await openTrial(this.#door.url);
      this.#spent = 0;
    }
    return this.#door;
  }

  /** An answer that has to come, paid from a trial that has it left; gives the job's evidence. */
  async answer(question: NetworkQuestion): Promise<Evidence> {
    const { evidence } = await answerOf(await this.next(), question);
    this.spent(evidence.prompt_tokens + evidence.token_ids.length);
    return evidence;
  }

  /** Counts an answer that was given; a token costs a credit at most. */
  spent(tokens: number): void {
    this.#spent += tokens;
  }
}
