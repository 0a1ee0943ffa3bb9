import type { JobId } from '@ciro/core/ids.ts';
import type { KeptAnswer, KeptAnswers, KeptAsked } from './kept-answer.ts';

/** Answers under way in memory, for tests. */
export class MemoryKeptAnswers implements KeptAnswers {
  readonly #answers = new Map<JobId, KeptAnswer>();

  async begin(asked: KeptAsked): Promise<void> {
    this.#answers.set(asked.order.job, { asked, jobs: [], ids: [], restarts: 0 });
  }
  async progress(first: JobId, jobs: readonly JobId[], ids: readonly number[]): Promise<void> {
    this.#change(first, { jobs, ids });
  }
  async restarted(first: JobId): Promise<void> {
    this.#change(first, { restarts: (this.#answers.get(first)?.restarts ?? 0) + 1 });
  }
  async end(first: JobId): Promise<void> {
    this.#answers.delete(first);
  }
  async list(): Promise<readonly KeptAnswer[]> {
    return [...this.#answers.values()];
  }

  #change(first: JobId, change: Partial<KeptAnswer>): void {
    const found = this.#answers.get(first);
    if (found !== undefined) this.#answers.set(first, { ...found, ...change });
  }
}
