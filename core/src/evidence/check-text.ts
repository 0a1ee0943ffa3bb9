import { originAt } from './job-facts.ts';
import { checkOf, differs, notChecked, ok, wrong } from './report.ts';
import type { Evidence } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** Text functions of the model's own file, whose hash is the one in the manifest. */
export interface TextPort {
  /** Source of the chat template. */
  readonly template: string;
  /** Ids of these messages: rendered by the template, then tokenised. Throws when the template refuses them. */
  promptIds(messages: readonly { readonly role: string; readonly content: string }[]): readonly number[];
  /** Text of the ids of an answer. */
  text(ids: readonly number[]): string;
}

const NO_TEXT = 'the model file is not here, so nothing can tokenise';
const NO_ORIGIN = 'the evidence of the job that was asked first is not in the file';

/** The template in the evidence is the file's, and gives the signed prompt ids of the first job for the client's own messages (SPEC B4). */
export function checkPromptText({ evidence, request, origin }: JobFacts, text: TextPort | undefined): Check {
  const name = 'prompt text';
  if (text === undefined) return notChecked(name, NO_TEXT);
  const template = templateOf(evidence, '', text) ?? (origin === undefined ? undefined : templateOf(origin, originAt(evidence, origin), text));
  if (template !== undefined) return checkOf(name, template, '');
  if (request === undefined) return notChecked(name, 'the file does not hold the messages that the client sent');
  if (origin === undefined) return notChecked(name, NO_ORIGIN);
  const at = `${originAt(evidence, origin)}prompt_ids`;
  const ids = idsOf(request.messages, text);
  if (typeof ids === 'string') return checkOf(name, wrong('request.messages', 'messages that the template takes', ids, 'the client\'s own messages'), '');
  const first = Array.from({ length: Math.max(ids.length, origin.prompt_ids.length) }).findIndex((_, index) => ids[index] !== origin.prompt_ids[index]);
  const element = first < 0 ? undefined : wrong(`${at}[${first}]`, ids[first] ?? 'no more ids', origin.prompt_ids[first] ?? 'no more ids', 'ids of the client\'s own messages');
  return checkOf(name, element, `the messages give the ${ids.length} prompt ids`);
}

function templateOf({ template }: Evidence, at: string, text: TextPort): WrongElement | undefined {
  return template === null || template === text.template ? undefined : wrong(`${at}template`, around(text.template, template), around(template, text.template), 'chat template of the model file');
}

/** As the API turns them into messages for the template; its own words where the template refuses them. */
function idsOf(messages: readonly { readonly role: string; readonly content: string }[], text: TextPort): readonly number[] | string {
  try {
    return text.promptIds(messages.map(({ role, content }) => ({ role: role === 'developer' ? 'system' : role, content })));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What the client was shown is the text in the evidence, and that is the text of the ids (SPEC B4). */
export function checkAnswerText({ evidence, request, answerText, origin }: JobFacts, text: TextPort | undefined): Check {
  const name = 'answer text';
  const shown = answerText === undefined ? undefined : differs('text', answerText, evidence.text, 'the text that the client was shown');
  if (shown !== undefined) return checkOf(name, shown, '');
  if (text === undefined) return notChecked(name, NO_TEXT);
  if (origin === undefined) return notChecked(name, NO_ORIGIN);
  // An answer that was done again or gone on with from the middle begins with the ids before that.
  const full = text.text([...evidence.prompt_ids.slice(origin.prompt_ids.length), ...evidence.token_ids]);
  if (full === evidence.text) return ok(name, `the ids give the ${full.length} characters of the answer`);
  // The last characters may have been held back: the next job's ids complete them, or a stop string.
  if (evidence.finish_reason === 'moved' && full.startsWith(evidence.text)) return ok(name, `the ids give the ${evidence.text.length} characters that were shown`);
  if (request === undefined && full.startsWith(evidence.text)) return notChecked(name, 'the text was cut before its ids end, and the file holds no request that says at which stop string');
  const stops = typeof request?.stop === 'string' ? [request.stop] : (request?.stop ?? []);
  // An answer ends before the first stop string in it.
  const expected = full.slice(0, Math.min(full.length, ...stops.map((stop) => full.indexOf(stop)).filter((at) => at >= 0)));
  const element = expected === evidence.text ? undefined : wrong('text', around(expected, evidence.text), around(evidence.text, expected), 'text of the ids of the answer');
  return checkOf(name, element, `the ids give the ${evidence.text.length} characters of the answer, up to a stop string`);
}

/** Some text from the first difference on. */
function around(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return `${at} characters, then ${JSON.stringify(text.slice(at, at + 40))}`;
}
