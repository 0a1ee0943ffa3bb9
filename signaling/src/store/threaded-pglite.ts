import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CLOSE } from './pglite-messages.ts';
import type { PGlite, PGliteTransaction } from 'kysely';
import type { PgliteAnswer, PgliteQuery, PgliteRows } from './pglite-messages.ts';

interface Waiting {
  readonly resolve: (result: PgliteRows) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The embedded database in a thread of its own, as Kysely wants it: one statement after the other, one transaction at a time.
 * Opening rejects with what the database said; a thread that dies fails every query from then on.
 */
export class ThreadedPglite implements PGlite {
  readonly ready = true;
  readonly waitReady = Promise.resolve();
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #dead: Error | undefined;
  #closed = false;
  #onClosed: () => void = () => undefined;
  readonly #opened = Promise.withResolvers<void>();

  static async open(folder: string): Promise<ThreadedPglite> {
    const worker = new Worker(join(import.meta.dirname, 'pglite-thread.ts'), { workerData: { folder } });
    const opening = new ThreadedPglite(worker);
    try {
      await opening.#opened.promise;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    // Only what is under way keeps the process.
    worker.unref();
    return opening;
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: PgliteAnswer) => this.#hear(message));
    worker.on('error', (cause) => this.#fail(new Error('the database thread failed', { cause })));
    worker.on('exit', () => this.#fail(new Error('the database is closed')));
  }

  get closed(): boolean {
    return this.#closed;
  }

  readonly query: PGlite['query'] = async <T>(text: string, parameters: readonly unknown[] = []) => {
    const { rows, affectedRows } = await this.#ask(text, parameters);
    // What the rows are is said by whoever wrote the query; PGlite itself checks as little.
    return { rows: rows as readonly unknown[] as T[], fields: [], ...(affectedRows === undefined ? {} : { affectedRows }) };
  };

  /** Kysely, the only one who asks, lets no other statement in between. */
  async transaction<T>(work: (transaction: PGliteTransaction) => Promise<T>): Promise<T> {
    await this.#ask('begin', []);
    let over = false;
    const rollback = async (): Promise<void> => {
      over = true;
      await this.#ask('rollback', []);
    };
    try {
      const result = await work({ query: this.query, rollback });
      if (!over) await this.#ask('commit', []);
      return result;
    } catch (error) {
      if (!over) await rollback();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#worker.ref();
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve;
      this.#worker.postMessage(CLOSE);
    });
  }

  #ask(sql: string, parameters: readonly unknown[]): Promise<PgliteRows> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const id = ++this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<PgliteRows>();
    if (this.#waiting.size === 0) this.#worker.ref();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, sql, parameters } satisfies PgliteQuery);
    return promise;
  }

  #hear(message: PgliteAnswer): void {
    if (message.say === 'open') return this.#opened.resolve();
    if (message.say === 'unavailable') return this.#opened.reject(new Error(message.message));
    if (message.say === 'closed') return this.#onClosed();
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0 && !this.#closed) this.#worker.unref();
    if (message.say === 'rows') waiting?.resolve(message.result);
    else waiting?.reject(Object.assign(new Error(message.message), message.fields));
  }

  #fail(error: Error): void {
    this.#dead ??= error;
    this.#opened.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#onClosed();
  }
}
