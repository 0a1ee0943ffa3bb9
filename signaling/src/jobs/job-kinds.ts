import { parseChatRequest } from '../intake/chat-request.ts';
import { JobsError } from './jobs-error.ts';
import type { AskRequest } from '../intake/ask-request.ts';

/** What is asked of every kind's parser, besides its input: how the job is carried out. */
export interface Carrying {
  readonly assurance: 'stream' | 'checked' | undefined;
  /** Epoch milliseconds. */
  readonly deadline: number | undefined;
}

/** A kind of work that can be asked for. */
export interface JobKind {
  /** Reads its input; throws IntakeError by field. */
  parse(input: unknown, carrying: Carrying): AskRequest;
}

/** A conversation that a model answers: `input` is a body of `POST /v1/chat/completions`, without `stream`. */
const chat: JobKind = {
  parse(input, { assurance, deadline }) {
    const request = parseChatRequest(assurance === undefined ? input : withAssurance(input as object, assurance));
    // It has no reader who could hang up, and it outlives its coordinator (SPEC G8).
    return { ...request, stream: false, keepGoing: true, ...(deadline !== undefined && { deadline }) };
  },
};

/** Said once, it is read where a service class may contradict it. */
function withAssurance(input: { readonly ciro?: unknown }, assurance: Carrying['assurance']): object {
  const ciro = input.ciro ?? {};
  return { ...input, ciro: typeof ciro === 'object' ? { ...ciro, assurance } : ciro };
}

/** Every kind by its name; another one is added here. */
const KINDS: Readonly<Record<string, JobKind>> = { chat };

/** The kind of this name; throws `task_not_available` naming those that there are. */
export function kindOf(name: string): JobKind {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind !== undefined) return kind;
  throw new JobsError('task_not_available', `no worker here does jobs of kind ${JSON.stringify(name.slice(0, 64))}; available: ${Object.keys(KINDS).join(', ')}`, { fault: 'user', fields: { param: 'kind' } });
}
