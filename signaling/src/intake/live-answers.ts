import type { JobId } from '@ciro/core/ids.ts';
import type { Answer } from './answer.ts';
import type { AnswerLog } from './answer-log.ts';

/** Answers that ended, kept for readers that come a moment late; later ones are given what is in the archive. Some kB each. */
const MAX_ENDED_ANSWERS = 256;

/** Who asked: an account, and the key that it showed; undefined for answers of a version that knew of none. */
export interface Asker {
  readonly account: string;
  readonly key?: string | undefined;
}

/** Answers by the job that was asked, each for its own account. */
export class LiveAnswers {
  readonly #answers = new Map<string, { readonly answer: Answer; readonly by: Asker }>();
  readonly #ended = new Set<JobId>();

  /** Keeps an answer while its log grows, and for a while after. */
  add(answer: Answer, by: Asker, log: Pick<AnswerLog, 'over'>): void {
    const { job } = answer;
    this.#answers.set(job, { answer, by });
    void log.over.then(() => {
      this.#ended.add(job);
      for (const oldest of this.#ended) {
        if (this.#ended.size <= MAX_ENDED_ANSWERS) return;
        this.#ended.delete(oldest);
        this.#answers.delete(oldest);
      }
    });
  }

  /** One of another account is as one that never was. */
  find(job: string, account: string): Answer | undefined {
    const found = this.#answers.get(job);
    return found?.by.account === account ? found.answer : undefined;
  }

  /** Calls off what was asked by these keys; what is over stays as it is. */
  endOf(keys: readonly string[]): void {
    for (const { answer, by } of this.#answers.values()) if (by.key !== undefined && keys.includes(by.key)) answer.cancel();
  }
}
