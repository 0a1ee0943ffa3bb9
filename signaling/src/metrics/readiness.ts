import type { Clock } from '../sessions/clock.ts';

/** One thing that has to hold for a question to be answered now. */
export interface ReadyCheck {
  readonly name: 'store' | 'model' | 'accepting' | 'ring';
  readonly ok: boolean;
  /** What is wrong, and what helps; empty when nothing is. */
  readonly reason: string;
}

export interface ReadinessSources {
  readonly clock: Clock;
  /** Reads something small from the database. */
  readonly askStore: () => Promise<unknown>;
  /** Names of the served models. */
  readonly models: () => readonly string[];
  readonly draining: () => boolean;
  readonly status: () => { readonly ready: boolean; readonly missing: number; readonly queued: number };
  /** Jobs that may wait. */
  readonly maxQueued: number;
}

/** A database that answers later than this would keep every answer waiting. */
export const STORE_ANSWER_MS = 2_000;

/** Whether this coordinator can answer a question now (SPEC O2), and what keeps it from it. */
export class Readiness {
  readonly #sources: ReadinessSources;
  /** At most one question to the database at a time, however many ask us. */
  #asking: Promise<boolean> | undefined;

  constructor(sources: ReadinessSources) {
    this.#sources = sources;
  }

  async checks(): Promise<readonly ReadyCheck[]> {
    const { models, draining, status, maxQueued } = this.#sources;
    const { ready, missing, queued } = status();
    this.#asking ??= this.#storeAnswers().finally(() => (this.#asking = undefined));
    const store = await this.#asking;
    const accepting = !draining() && queued < maxQueued;
    return [
      check('store', store, `the database did not answer within ${STORE_ANSWER_MS / 1000} s; look at its log, its disk and its connections`),
      check('model', models().length > 0, 'no model is loaded; import one'),
      check('accepting', accepting, draining() ? 'the coordinator is stopping; ask the next one' : `${queued} jobs wait, and no more may; try again in some seconds`),
      check('ring', ready, missing > 0 ? `${missing} more tabs must join before the model can be placed` : 'stages are loading or links are opening; it takes seconds'),
    ];
  }

  #storeAnswers(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#sources.clock.after(STORE_ANSWER_MS, () => resolve(false));
      const done = (ok: boolean) => (): void => {
        cancel();
        resolve(ok);
      };
      this.#sources.askStore().then(done(true), done(false));
    });
  }
}

const check = (name: ReadyCheck['name'], ok: boolean, reason: string): ReadyCheck => ({ name, ok, reason: ok ? '' : reason });
