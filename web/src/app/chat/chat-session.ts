import { signal } from '@preact/signals';
import { ApiError } from './api-error.ts';
import { afterChange, hasEvidence, isOpen, messagesOf, NEW_ANSWER, storedChat, type AnswerChange, type Chat, type Turn } from './chat-turn.ts';
import { bodyOf, type ChatApi, type ChatRequest } from './chat-api.ts';
import { isDecided, isLinked, jobAfter, jobBefore, type ServedBy } from './evidence.ts';
import { proofOf, type Proof } from './proof.ts';
import { isBreak, readOn } from './read-on.ts';
import type { JobEvent } from './job-events.ts';
import type { ApiKey } from './api-key.ts';

/** Roots and acknowledgements are collected for at most 10 s after an answer; the record is written after that. */
const EVIDENCE_TRIES = 12;
const EVIDENCE_WAIT_MS = 1_000;
/** Audits are followed for so long; a busy network takes a minute. Later outcomes are shown when the conversation is opened again. */
const AUDITS_MS = 10 * 60_000;
const REQUEST_MS = 5_000;
/** Whole evidence with its pieces: some MB. */
const PIECES_MS = 60_000;
/** Jobs of one answer that are followed; a file of evidence takes no more, and a coordinator makes fewer. */
const MAX_JOBS = 32;

type Correction = Extract<JobEvent, { type: 'corrected' }>;

/** The answer that is being read, as far as its readers need it. */
interface OpenAnswer {
  change(step: AnswerChange): void;
  text(): string;
}

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
  /** 32 random bytes in hex. */
  newNonce(): string;
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
  /** Whether text is to be held back until it was audited. */
  readonly checked = signal(false);
  /** By job. */
  readonly served = signal<ReadonlyMap<string, ServedBy>>(new Map());
  /** Checks that were made in this tab, by job. */
  readonly proofs = signal<ReadonlyMap<string, Proof>>(new Map());
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
      const unfinished = this.kept.value.find(isAnswering);
      if (unfinished !== undefined && this.chat.value.turns.length === 0 && !this.busy.value) this.open(unfinished);
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

  /** Shows a conversation. An answer that was left unfinished is read on. */
  open(chat: Chat): void {
    if (chat.id === this.chat.value.id && this.busy.value) return;
    this.stop();
    this.chat.value = chat;
    const { job } = chat.turns.at(-1)?.answer ?? {};
    if (job !== undefined && isAnswering(chat)) void this.#readOn(chat, job);
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
    const { id, turns } = this.chat.value;
    const asked = { model: options.model, maxTokens: options.maxTokens, checked: this.checked.value, nonce: this.#ports.newNonce() };
    const turn: Turn = { question, askedAt: this.#ports.now(), answer: { ...NEW_ANSWER, asked } };
    const chat = { id, turns: [...turns, turn] };
    this.chat.value = chat;
    await this.#carry(chat, (abort, open, accepted) => this.#stream({ ...asked, messages: messagesOf(chat.turns) }, abort, open, accepted));
  }

  /** Reads an answer on that a closed tab, or another conversation, left unfinished. */
  async #readOn(chat: Chat, job: string): Promise<void> {
    await this.#carry(chat, async (abort, open, accepted) => {
      const key = await this.#ports.key.get(abort);
      accepted(job);
      await this.#readToEnd(job, key, abort, open);
    });
  }

  /** Carries the newest answer of a conversation to its end by what `read` says of it, and shows who served it. */
  async #carry(begun: Chat, read: (abort: AbortSignal, open: OpenAnswer, accepted: (job: string | undefined) => void) => Promise<void>): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    this.busy.value = true;
    const { id, turns } = begun;
    const at = turns.length - 1;
    const turn = turns[at];
    if (turn === undefined) return;
    let chat = begun;
    const change = (step: AnswerChange) => {
      const answer = afterChange(chat.turns[at]?.answer ?? turn.answer, step, this.#ports.now() - turn.askedAt);
      // By now the person may look at another conversation, have asked on in this one, or asked the same again.
      const shown = this.chat.value;
      const here = shown.id === id && shown.turns[at]?.askedAt === turn.askedAt;
      const all = here ? shown.turns : chat.turns;
      chat = { id, turns: all.map((each, index) => (index === at ? { ...turn, answer } : each)) };
      if (here) this.chat.value = chat;
    };
    const audits: Promise<readonly Correction[]>[] = [];
    const accepted = (job: string | undefined): void => {
      change({ type: 'accepted', job });
      if (job === undefined) return;
      // A tab that is closed now finds its answer again by this.
      void this.#keep(chat);
      audits.push(this.#followAudits(job, turn.answer.asked?.nonce).catch(() => []));
    };
    try {
      await read(asking.signal, { change, text: () => chat.turns[at]?.answer.text ?? '' }, accepted);
      change({ type: 'end' });
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError('page_error', String(error), { status: 0, cause: error });
      change(asking.signal.aborted ? { type: 'stopped' } : { type: 'failed', error: failure });
    } finally {
      // Another answer may be read by now.
      if (this.#asking === asking) this.busy.value = false;
      await this.#keep(chat);
    }
    const answer = chat.turns[at]?.answer;
    await this.refreshBalance();
    if (answer?.job === undefined || !hasEvidence(answer)) return;
    await this.fetchParts(answer.job, EVIDENCE_TRIES);
    for (const { job, text } of (await Promise.all(audits)).flat()) change({ type: 'corrected', job, text });
    if (chat.turns[at]?.answer.corrected !== undefined) await this.#keep(chat);
    await this.fetchParts(answer.job, EVIDENCE_TRIES);
    await this.refreshBalance();
  }

  /** Opens this page's nonce when the roots are in, shows what is decided as it is, and gives the corrections. The first job hears of all others. */
  async #followAudits(job: string, nonce: string | undefined): Promise<readonly Correction[]> {
    const { api, key } = this.#ports;
    const known = await key.kept();
    if (known === undefined) return [];
    const corrections: Correction[] = [];
    const others: Promise<void>[] = [];
    const signal = AbortSignal.timeout(AUDITS_MS);
    for await (const event of api.events(job, known, signal)) {
      // A draw without this page's nonce is still a draw: the evidence says that it was not opened.
      if (event.type === 'recorded' && nonce !== undefined) await api.openNonce(job, nonce, known, AbortSignal.timeout(REQUEST_MS)).catch(() => undefined);
      else if (event.type === 'audited') await this.fetchServed(job);
      else if (event.type === 'moved') others.push(this.#followPart(event.job, known, signal).catch(() => undefined));
      else if (event.type === 'corrected') corrections.push(event);
    }
    await Promise.all(others);
    return corrections;
  }

  /** Shows what is decided of a job that goes on with an answer. It is told of before it begins, and its audits come much later. */
  async #followPart(job: string, key: string, signal: AbortSignal): Promise<void> {
    const { api, wait } = this.#ports;
    await wait(EVIDENCE_WAIT_MS);
    for await (const event of api.events(job, key, signal)) if (event.type === 'audited') await this.fetchServed(job);
  }

  /** Checks an answer's evidence in this tab against what was asked and shown here. The outcome is in `proofs`, under `job`. */
  async verify(turns: readonly Turn[], job: string): Promise<void> {
    const { api, key } = this.#ports;
    const { answer } = turns.at(-1) ?? {};
    const say = (proof: Proof) => (this.proofs.value = new Map(this.proofs.value).set(job, proof));
    const known = await key.kept();
    if (answer?.asked === undefined || known === undefined) return void say({ state: 'unavailable', why: 'This browser does not hold what was asked any more.' });
    say({ state: 'checking' });
    try {
      const fetched = async (id: string) => api.evidence(id, known, AbortSignal.timeout(PIECES_MS));
      const body = await fetched(job);
      const earlier: unknown[] = [];
      for (let before = jobBefore(body); before !== undefined && earlier.length < MAX_JOBS; before = jobBefore(earlier[0])) earlier.unshift(await fetched(before));
      const request = bodyOf({ ...answer.asked, messages: messagesOf(turns) });
      say({ state: 'done', report: await proofOf(body, { request, answerText: answer.text }, earlier) });
    } catch (error) {
      say({ state: 'unavailable', why: error instanceof ApiError ? error.message : `The check could not be made: ${String(error)}` });
    }
  }

  /** Fetches who served each job of an answer, from the one that was asked on. */
  async fetchParts(first: string, tries = 1): Promise<void> {
    const seen = new Set<string>();
    for (let job: string | undefined = first; job !== undefined && !seen.has(job) && seen.size < MAX_JOBS; ) {
      seen.add(job);
      await this.fetchServed(job, tries);
      const served: ServedBy | undefined = this.served.value.get(job);
      job = served && jobAfter(served);
    }
  }

  /** Fetches who served a job, unless all of it is known and decided, until there is a record that says what came after it. The answer stands without it. */
  async fetchServed(job: string, tries = 1): Promise<void> {
    const { api, key, wait } = this.#ports;
    for (let attempt = 0; attempt < tries && !this.#isDecided(job); attempt++) {
      if (attempt > 0) await wait(EVIDENCE_WAIT_MS);
      const known = await key.kept();
      if (known === undefined) return;
      try {
        const served = await api.servedBy(job, known, AbortSignal.timeout(REQUEST_MS));
        if (served !== undefined) this.served.value = new Map(this.served.value).set(job, served);
        if (served !== undefined && isLinked(served)) return;
      } catch {
        return; // failed jobs have none, and other keys' jobs are not told
      }
    }
  }

  #isDecided(job: string): boolean {
    const served = this.served.value.get(job);
    return served !== undefined && isDecided(served);
  }

  async #stream(request: ChatRequest, abort: AbortSignal, open: OpenAnswer, accepted: (job: string | undefined) => void): Promise<void> {
    const { api, key } = this.#ports;
    let asked: string | undefined;
    for (let attempt = 0; ; attempt++) {
      const known = await key.get(abort);
      try {
        for await (const event of api.ask(request, known, abort, (job) => accepted((asked = job)))) open.change(event);
        return;
      } catch (error) {
        if (asked !== undefined && isBreak(error) && !abort.aborted) return this.#readToEnd(asked, known, abort, open, () => accepted(asked));
        if (asked !== undefined && abort.aborted) await this.#callOff(asked, known);
        // A coordinator with a new database does not know an old key; a new one is free.
        if (attempt > 0 || !(error instanceof ApiError) || error.status !== 401) throw error;
        await key.forget();
      }
    }
  }

  /** `back`: called when the coordinator was away, and says something again. */
  async #readToEnd(job: string, key: string, abort: AbortSignal, { change, text }: OpenAnswer, back: () => void = () => undefined): Promise<void> {
    let away = false;
    try {
      for await (const event of readOn(this.#ports, { job, key, signal: abort, from: () => text().length })) {
        if (away && event.type !== 'away') back();
        away = event.type === 'away';
        change(event);
      }
    } catch (error) {
      if (abort.aborted) await this.#callOff(job, key);
      throw error;
    }
  }

  /** An answer that keeps going without its reader is ended by name. */
  async #callOff(job: string, key: string): Promise<void> {
    await this.#ports.api.cancel(job, key, AbortSignal.timeout(REQUEST_MS)).catch(() => undefined);
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
