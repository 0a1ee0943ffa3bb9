import type { Offence } from '../sessions/worker.ts';

/** Why a message was not taken; it changed nothing. */
export interface Refusal {
  readonly offence: Offence;
  readonly code: string;
  readonly message: string;
}

export const refusal = (offence: Offence, code: string, message: string): Refusal => ({ offence, code, message });
