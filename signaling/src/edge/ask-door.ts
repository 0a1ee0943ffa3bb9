import { joinLink, trackingUrl } from './links.ts';
import { askChat } from '../intake/chat-commands.ts';
import { newJob } from '../intake/intake.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../accounts/caller.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Answer } from '../intake/answer.ts';
import type { AskRequest } from '../intake/ask-request.ts';
import type { ChatCommands } from '../intake/chat-commands.ts';
import type { ChatRequest } from '../intake/chat-request.ts';
import type { AddressLimits } from './address-limits.ts';

/** Body of a question: the longest context we serve (131,072 tokens) in about four bytes a token. */
export const MAX_ASK_BODY_BYTES = 512 * 1024;

export interface AskDoorDependencies {
  readonly accounts: Pick<Accounts, 'allow'>;
  readonly intake: { ask(request: AskRequest, caller: Caller): Promise<Answer> };
  /** Counted before the key is looked at: a flood of wrong keys is a flood. */
  readonly limits: Pick<AddressLimits, 'take'>;
  readonly commands?: ChatCommands;
  /** Where tabs join, if a proxy serves us. */
  readonly publicUrl?: URL;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * The one way in for routes that ask a model (SPEC I1): `enter` (address, then key), the route's own parser, then `ask` or, for a conversation,
 * `askChat`, which lets commands answer first. `signalOf` ties the answer to its client.
 */
export class AskDoor {
  readonly #dependencies: AskDoorDependencies;

  constructor(dependencies: AskDoorDependencies) {
    this.#dependencies = dependencies;
  }

  /** Who asks. Throws `rate_limit_exceeded`, then AccountError. */
  enter(request: FastifyRequest): Promise<Caller> {
    this.#dependencies.limits.take(request.ip);
    return this.#dependencies.accounts.allow(request.headers.authorization, 'ask');
  }

  ask(request: AskRequest, caller: Caller): Promise<Answer> {
    return this.#dependencies.intake.ask(request, caller);
  }

  askChat(request: ChatRequest, caller: Caller): Promise<Answer> {
    const { intake, commands, now } = this.#dependencies;
    return askChat({ ask: (asked, by) => intake.ask(asked, by), commands, newId: newJob, now }, request, caller);
  }

  /** Where a job stands, as this client reaches us. */
  trackingUrl(request: FastifyRequest, { job }: Pick<Answer, 'job'>): string {
    return trackingUrl(request, this.#dependencies.publicUrl, job);
  }

  /** Where tabs join, as this client reaches us. */
  joinUrl(request: FastifyRequest): string | undefined {
    return joinLink(request, this.#dependencies.publicUrl);
  }
}

/** A client that hangs up pays for what it was sent and no more, unless it asked that the answer go on (SPEC G7). */
export function signalOf(reply: FastifyReply, answer: Answer): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    gone.abort();
    if (!reply.raw.writableFinished && !answer.request.keepGoing) answer.cancel();
  });
  return gone.signal;
}
