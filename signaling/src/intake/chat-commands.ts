import { AnswerLog } from './answer-log.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Caller } from '../accounts/caller.ts';
import type { Answer } from './answer.ts';
import type { ChatRequest } from './chat-request.ts';

/** What a command says. */
export interface CommandReply {
  /** Its name, as `/models`. */
  readonly command: string;
  /** Whole, or piece by piece while it runs; what it throws the reader is told as an error. */
  readonly text: string | AsyncIterable<string>;
}

/** Port: commands in a message (`/help`), which are answered instead of the model. */
export interface ChatCommands {
  /**
   * The reply to a request whose last user message is a registered command; undefined when the model is to answer. `signal` aborts when
   * the client is gone. Throws what the API is to show (a CiroError).
   */
  reply(request: ChatRequest, account: string, signal: AbortSignal): Promise<CommandReply | undefined>;
}

/** The answer to a chat request, of a command or of the model: what every route that takes conversations asks. */
export async function askChat(
  { ask, commands, newId, now }: { readonly ask: (request: ChatRequest, caller: Caller) => Promise<Answer>; readonly commands?: ChatCommands | undefined; readonly newId: () => JobId; readonly now: () => number },
  request: ChatRequest,
  caller: Caller,
): Promise<Answer> {
  const stop = new AbortController();
  const reply = await commands?.reply(request, caller.account, stop.signal);
  if (reply === undefined) return ask(request, caller);
  const log = new AnswerLog();
  void say(reply, log);
  const { command } = reply;
  return { job: newId(), command, request, model: request.model, createdAt: now(), promptTokens: 0, read: (signal) => log.read(signal), cancel: () => stop.abort() };
}

async function say({ text }: CommandReply, log: AnswerLog): Promise<void> {
  try {
    log.push({ type: 'started' });
    if (typeof text === 'string') log.push({ type: 'text', text });
    else for await (const piece of text) log.push({ type: 'text', text: piece });
    log.push({ type: 'end', finish: 'stop', completionTokens: 0 });
    log.end();
  } catch (error) {
    log.end(error);
  }
}
