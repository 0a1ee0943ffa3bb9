import { ClaimError } from './claim-error.ts';
import type { SponsorAnswer } from '@ciro/core/protocol/sponsorship.ts';

/** The coordinator answers at once; a busy one within seconds. */
const ANSWER_MS = 10_000;

interface Asked {
  readonly resolve: (ticket: string) => void;
  readonly reject: (error: ClaimError) => void;
  readonly cancel: () => void;
}

/** Tickets over the control connection: one question at a time, answered by the next `sponsor-ticket` or `sponsor-refused` (SPEC Y7). */
export class TicketLine {
  readonly #send: () => boolean;
  readonly #after: (milliseconds: number, task: () => void) => () => void;
  #asked: Asked | undefined;

  /** `send`: sends `sponsor-wanted`; false when nobody is connected. */
  constructor(send: () => boolean, after: (milliseconds: number, task: () => void) => () => void) {
    this.#send = send;
    this.#after = after;
  }

  /** Rejects with `unreachable` or `no-ticket`. */
  ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle((before) => before.reject(unreachable('another ticket was asked for meanwhile')));
      if (!this.#send()) return reject(new ClaimError('no-ticket', 'only a tab that contributes is given a ticket; press Contribute, then claim', { fault: 'user' }));
      const cancel = this.#after(ANSWER_MS, () => this.#settle((asked) => asked.reject(unreachable(`the coordinator gave no ticket within ${ANSWER_MS / 1000} s`))));
      this.#asked = { resolve, reject, cancel };
    });
  }

  /** What came back; one that nobody asked for is left alone. */
  answered(answer: SponsorAnswer): void {
    this.#settle((asked) => {
      if (answer.type === 'sponsor-ticket') return asked.resolve(answer.ticket);
      asked.reject(new ClaimError('no-ticket', `the coordinator gives no ticket: ${answer.message}`, { fault: 'platform', fields: { code: answer.code, retryAfterMs: answer.retryAfterMs } }));
    });
  }

  #settle(how: (asked: Asked) => void): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.cancel();
    if (asked !== undefined) how(asked);
  }
}

const unreachable = (what: string): ClaimError => new ClaimError('unreachable', what, { fault: 'platform' });
