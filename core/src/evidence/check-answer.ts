import { checkOf, differs, notChecked, wrong } from './report.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** The answer ends where the plan says it may: at a stop id, at its length, because the client wanted it to, or because a tab left. */
export function checkAnswer(facts: JobFacts): Check {
  const { evidence, plan } = facts;
  const element = countsOf(facts) ?? stopsOf(facts) ?? endOf(facts) ?? placeOf(facts);
  return checkOf('answer', element, `${evidence.token_ids.length} ids of at most ${plan.maxTokens}, ended by ${evidence.finish_reason}`);
}

function countsOf({ evidence, plan }: JobFacts): WrongElement | undefined {
  const { token_ids: ids, surplus_ids: surplus, manifest } = evidence;
  const outside = [...ids, ...surplus].findIndex((id) => id >= manifest.architecture.vocabulary);
  if (outside >= 0) return wrong(outside < ids.length ? `token_ids[${outside}]` : `surplus_ids[${outside - ids.length}]`, `an id below ${manifest.architecture.vocabulary}`, [...ids, ...surplus][outside], 'ids of the vocabulary');
  if (ids.length + surplus.length > plan.maxTokens) return wrong(ids.length > plan.maxTokens ? 'token_ids' : 'surplus_ids', `at most ${plan.maxTokens}`, ids.length + surplus.length, 'length that the plan allows');
  if (ids.length === 0) return wrong('token_ids', 'at least one', 'none', 'an answer');
  return differs('completion_tokens', ids.length, evidence.completion_tokens, 'number of ids of the answer');
}

/** A stop id ends an answer, so it can only be the last; which ids those are is the model's to say. */
function stopsOf({ evidence, plan }: JobFacts): WrongElement | undefined {
  const { token_ids: ids, manifest } = evidence;
  const named = differs('plan.signed.plan.stopIds', manifest.stopIds.join(), plan.stopIds.join(), 'stop ids of the model');
  if (named !== undefined) return named;
  const early = ids.slice(0, -1).findIndex((id) => plan.stopIds.includes(id));
  return early < 0 ? undefined : wrong(`token_ids[${early}]`, 'no stop id before the last', ids[early], 'the answer should have ended here');
}

function endOf({ evidence, plan, request }: JobFacts): WrongElement | undefined {
  const { token_ids: ids, surplus_ids: surplus, finish_reason: reason } = evidence;
  const atStopId = plan.stopIds.includes(ids.at(-1) ?? -1);
  const full = ids.length === plan.maxTokens;
  if (atStopId) return differs('finish_reason', 'stop', reason, `the last id, ${ids.at(-1)}, is a stop id`) ?? none(surplus, 'nothing is sampled after a stop id');
  if (reason === 'length') return full ? none(surplus, 'nothing is sampled after the last token') : wrong('token_ids', plan.maxTokens, ids.length, 'ids of an answer that ended by its length');
  if (reason === 'failed') return wrong('finish_reason', 'stop, length, cancelled or moved', reason, 'a failed job has no evidence');
  if (full) return wrong('finish_reason', 'length', reason, `the answer has all ${plan.maxTokens} tokens`);
  // A client that set no stop string and got `stop` without a stop id was given half an answer.
  const stops = request === undefined ? undefined : typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
  if (reason === 'stop' && stops?.length === 0) return wrong('finish_reason', 'a stop id, or a stop string in the request', `stop after id ${ids.at(-1)}`, 'the answer was cut');
  return undefined;
}

/** A job does one other again or goes on from it, and is gone on from only where a stage of it was lost (SPEC G2, M7). */
function placeOf({ evidence: { corrects, continues, continued_by: by, finish_reason: reason } }: JobFacts): WrongElement | undefined {
  if (corrects !== null) return differs('continues', null, continues, `it does job ${corrects} again`);
  return reason === 'moved' ? undefined : differs('continued_by', null, by, `the answer ended by ${reason}`);
}

/** A job that moved is not the whole answer: what comes after it is in another one. */
export function checkRest({ evidence: { continued_by: by, finish_reason: reason } }: JobFacts): readonly Check[] {
  if (reason !== 'moved') return [];
  const where = by === null ? 'in a job that is not recorded yet, or it could not go on; ask for the evidence again' : `in job ${by}, whose evidence is not in the file`;
  return [notChecked('rest of the answer', `a tab left, and the answer goes on ${where}`)];
}

const none = (surplus: readonly number[], why: string): WrongElement | undefined => (surplus.length === 0 ? undefined : wrong('surplus_ids', 'none', surplus, why));
