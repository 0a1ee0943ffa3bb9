import { originAt } from './job-facts.ts';
import { checkOf, differs, notChecked } from './report.ts';
import type { Evidence, EvidenceRequest } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** Seeds are 32 bits on the wire: a client's larger or negative one is folded. */
const SEED_RANGE = 2 ** 32;
/** Name under which the first model is served besides its own. */
const DEFAULT_ALIAS = 'default';

/** What the client asked for is what the signed plan of the first job says, as far as the request named it; messages are compared as text. */
export function checkRequest({ evidence, request, origin }: JobFacts): Check {
  const name = 'request';
  if (request === undefined) return notChecked(name, 'the file does not hold what the client sent (npm run job -- --json FILE keeps it)');
  if (origin === undefined) return notChecked(name, 'the evidence of the job that was asked first is not in the file');
  const { plan } = origin.plan.signed;
  const { sampler } = plan;
  const asked = (at: string, wanted: number | undefined, planned: number, why: string): WrongElement | undefined => (wanted === undefined ? undefined : differs(at, wanted, planned, why));
  const element =
    modelOf(request, origin.model) ??
    asked('plan.signed.plan.maxTokens', request.max_tokens, plan.maxTokens, 'max_tokens in the request') ??
    asked('plan.signed.plan.sampler.temperature', request.temperature, sampler.temperature, 'temperature in the request') ??
    asked('plan.signed.plan.sampler.topP', request.top_p, sampler.topP, 'top_p in the request') ??
    asked('plan.signed.plan.sampler.topK', request.top_k, sampler.topK, 'top_k in the request') ??
    asked('plan.signed.plan.sampler.minP', request.min_p, sampler.minP, 'min_p in the request') ??
    asked('plan.signed.plan.sampler.repetitionPenalty', request.repetition_penalty, sampler.repetitionPenalty, 'repetition_penalty in the request') ??
    asked('plan.signed.plan.sampler.seed', request.seed === undefined ? undefined : ((request.seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE, sampler.seed, 'seed in the request') ??
    differs('assurance', request.ciro?.assurance ?? 'stream', origin.assurance, 'assurance in the request') ??
    differs('plan.signed.plan.nonces.requester', request.ciro?.nonce_commitment ?? null, plan.nonces.requester, 'nonce commitment in the request');
  return checkOf(name, element && { ...element, at: `${originAt(evidence, origin)}${element.at}` }, 'the signed plan does what the request asked for');
}

const modelOf = ({ model }: EvidenceRequest, served: Evidence['model']): WrongElement | undefined =>
  model === undefined || model === DEFAULT_ALIAS || model === served.id ? undefined : differs('model.name', model, served.name, 'model in the request');
