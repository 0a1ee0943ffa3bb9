import { signal } from '@preact/signals';
import { ApiError } from './api-error.ts';
import { afterChange, hasEvidence, isOpen, messagesOf, NEW_ANSWER, storedChat, type AnswerChange, type Chat, type Turn } from './chat-turn.ts';
import type { ApiKey } from './api-key.ts';
import type { ChatApi } from './chat-api.ts';
import type { ServedBy } from './evidence.ts';

/** Roots and acknowledgements are collected for at most 5 s after an answer; the record is written after that. */
const EVIDENCE_TRIES = 10;
const EVIDENCE_WAIT_MS = 800;
const REQUEST_MS = 5_000;

/** Port: where conversations are kept. All calls may reject; the chat then goes on without. */
export interface ChatKeeping {
  list(): Promise<readonly { readonly value: unknown }[]>;
  keep(chat: { readonly id: string; readonly changedAt: number; readonly value: unknown }): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface ChatPorts {
  readonly api: ChatApi;
  readonly key: ApiKey;
  readonly keeping: ChatKeeping;
  /** Epoch milliseconds. */
  now(): number;
  newId(): string;
  wait(milliseconds: number): Promise<void>;
}

/** Model by name, and the longest answer in tokens. */
export interface AskOptions {
  readonly model: string;
  readonly maxTokens: number;
}

/** Longest answer when the person has not chosen, in tokens. */
const FIRST_LENGTH = 128;

/** The conversation on the page and those kept in this browser. Everything that is shown is a signal. */
export class ChatSession {
  readonly chat = signal<Chat>({ id: '', turns: [] });
  readonly kept = signal<readonly Chat[]>([]);
  /** False when the browser refuses to keep conversations. */
  readonly keeps = signal(true);
  readonly busy = signal(false);
  /** What is being written. */
  readonly draft = signal('');
  /** Longest answer that was chosen, in tokens. */
  readonly maxTokens = signal(FIRST_LENGTH);
  /** By job. */
  readonly served = signal<ReadonlyMap<string, ServedBy>>(new Map());
  /** Base units that this browser's key may still spend; undefined before there is a key. */
  readonly balance = signal<bigint | undefined>(undefined);
  readonly #ports: ChatPorts;
  #asking: AbortController | undefined;

  constructor(ports: ChatPorts) {
    this.#ports = ports;
    this.begin();
  }

  /** Reads the conversations of earlier visits. */
  async load(): Promise<void> {
    try {
      const stored = await this.#ports.keeping.list();
      this.kept.value = stored.map(({ value }) => storedChat(value)).filter((chat) => chat !== undefined);
    } catch {
      this.keeps.value = false;
    }
  }

  /** Reads the balance of the key, if there is one. Nothing is shown where it is not known. */
  async refreshBalance(): Promise<void> {
    const { api, key } = this.#ports;
    const known = await key.kept();
    if (known !== undefined) this.balance.value = await api.balance(known, AbortSignal.timeout(REQUEST_MS)).catch(() => undefined);
  }

  /** An empty conversation; an answer under way is stopped. */
  begin(): void {
    this.stop();
    this.chat.value = { id: this.#ports.newId(), turns: [] };
  }

  open(chat: Chat): void {
    this.stop();
    this.chat.value = chat;
  }

  async remove(chat: Chat): Promise<void> {
    if (this.chat.value.id === chat.id) this.begin();
    this.kept.value = this.kept.value.filter(({ id }) => id !== chat.id);
    await this.#ports.keeping.remove(chat.id).catch(() => (this.keeps.value = false));
  }

  /** Ends the answer under way: the tabs stop at the token they are at, and only what was made is charged. */
  stop(): void {
    this.#asking?.abort();
  }

  /** Asks the newest question once more in place of its answer, if that has ended. */
  async again(options: AskOptions): Promise<void> {
    const { id, turns } = this.chat.value;
    const last = turns.at(-1);
    if (last === undefined || this.busy.value) return;
    this.chat.value = { id, turns: turns.slice(0, -1) };
    await this.ask(last.question, options);
  }

  /** Asks in the current conversation; resolves when the answer has ended, however it ended. */
  async ask(question: string, options: AskOptions): Promise<void> {
    if (this.busy.value) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.busy.value = true;
    const started = this.#ports.now();
    const { id, turns } = this.chat.value;
    const turn: Turn = { question, askedAt: started, answer: NEW_ANSWER };
    let chat: Chat = { id, turns: [...turns, turn] };
    const change = (step: AnswerChange) => {
      const answer = afterChange(chat.turns.at(-1)?.answer ?? NEW_ANSWER, step, this.#ports.now() - started);
      chat = { id, turns: [...turns, { ...turn, answer }] };
      // The person may look at another conversation by now.
      if (this.chat.value.id === id) this.chat.value = chat;
    };
    this.chat.value = chat;
    try {
      await this.#stream(messagesOf(chat.turns), options, asking.signal, change);
      change({ type: 'end' });
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError('page_error', String(error), { status: 0, cause: error });
      change(asking.signal.aborted ? { type: 'stopped' } : { type: 'failed', error: failure });
    } finally {
      this.busy.value = false;
      await this.#keep(chat);
    }
    const answer = chat.turns.at(-1)?.answer;
    if (answer?.job !== undefined && hasEvidence(answer)) await this.fetchServed(answer.job, EVIDENCE_TRIES);
    await this.refreshBalance();
  }

  /** Fetches who served a job, unless that is known. The answer stands without it. */
  async fetchServed(job: string, tries = 1): Promise<void> {
    const { api, key, wait } = this.#ports;
    for (let attempt = 0; attempt < tries && !this.served.value.has(job); attempt++) {
      if (attempt > 0) await wait(EVIDENCE_WAIT_MS);
      const known = await key.kept();
      if (known === undefined) return;
      try {
        const served = await api.servedBy(job, known, AbortSignal.timeout(REQUEST_MS));
        if (served !== undefined) this.served.value = new Map(this.served.value).set(job, served);
      } catch {
        return; // failed jobs have none, and other keys' jobs are not told
      }
    }
  }

  async #stream(messages: ReturnType<typeof messagesOf>, options: AskOptions, abort: AbortSignal, change: (step: AnswerChange) => void): Promise<void> {
    const { api, key } = this.#ports;
    for (let attempt = 0; ; attempt++) {
      try {
        const known = await key.get(abort);
        for await (const event of api.ask({ ...options, messages }, known, abort, (job) => change({ type: 'accepted', job }))) change(event);
        return;
      } catch (error) {
        // A coordinator with a new database does not know an old key; a new one is free.
        if (attempt > 0 || !(error instanceof ApiError) || error.status !== 401) throw error;
        await key.forget();
      }
    }
  }

  async #keep(chat: Chat): Promise<void> {
    this.kept.value = [chat, ...this.kept.value.filter(({ id }) => id !== chat.id)];
    await this.#ports.keeping.keep({ id: chat.id, changedAt: this.#ports.now(), value: chat }).catch(() => (this.keeps.value = false));
  }
}

/** What a conversation is listed by. */
export const titleOf = (chat: Chat): string => chat.turns[0]?.question ?? 'New chat';

/** True while the newest answer of a conversation may still grow. */
export const isAnswering = (chat: Chat): boolean => {
  const last = chat.turns.at(-1);
  return last !== undefined && isOpen(last.answer);
};
