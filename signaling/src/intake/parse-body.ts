import * as v from 'valibot';
import { refuseField } from './intake-error.ts';

/** Longest name of a field that is said back. */
const SHOWN_NAME_CHARACTERS = 64;

/** When a field that is not carried out asks for nothing, and may be sent by habit. */
export type Neutral = Readonly<Record<string, (value: unknown) => boolean>>;

/** Fields that no route carries out: taken when they ask for nothing (null, or what is said here), else refused by name. */
export const NEUTRAL: Neutral = {
  n: (value) => value === 1,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: isEmpty,
  metadata: isEmpty,
  store: (value) => value === false,
  service_tier: (value) => value === 'auto' || value === 'default',
  prompt_cache_retention: (value) => value === 'in_memory',
};

/** Reads a body; throws IntakeError naming the first field that is wrong, unknown or not supported. `example` is the smallest body. */
export function parseBody<const Entries extends v.ObjectEntries>(schema: v.ObjectSchema<Entries, undefined>, neutral: Neutral, body: unknown, example: string): v.InferOutput<v.ObjectSchema<Entries, undefined>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refuseField('invalid_value', 'body', `the body is not a JSON object; send ${example}`);
  refuseOtherFields(schema.entries, neutral, body);
  const parsed = v.safeParse(schema, body, { abortEarly: true });
  if (!parsed.success) throw refuseIssue(parsed.issues[0]);
  return parsed.output;
}

/** Nothing is ignored in silence: a field that is not carried out is refused (design: the worst defect seen elsewhere). */
function refuseOtherFields(entries: v.ObjectEntries, neutral: Neutral, body: object): void {
  for (const [field, value] of Object.entries(body)) {
    if (Object.hasOwn(entries, field)) continue;
    const isNeutral = Object.hasOwn(neutral, field) ? neutral[field] : undefined;
    if (isNeutral === undefined) throw unknownField(field.slice(0, SHOWN_NAME_CHARACTERS));
    if (value !== null && !isNeutral(value)) throw refuseField('unsupported_parameter', field, `${field} is not supported here${field === 'n' ? ' (one answer a request)' : ''}; leave it out`);
  }
}

const unknownField = (param: string): Error => refuseField('unknown_parameter', param, `${JSON.stringify(param)} is not a parameter of this API; leave it out`);

function refuseIssue(issue: v.BaseIssue<unknown>): Error {
  const param = pathOf(issue);
  if (issue.type === 'strict_object' && issue.expected === 'never') return unknownField(param);
  if (issue.input === undefined) return refuseField('missing_required_parameter', param, `${param} is missing: ${issue.message}`);
  // A role, part or member that exists in the API but not here (tool, image_url, refusal) is a feature that is missing, not a slip.
  if (isFeature(issue, param)) return refuseField('unsupported_parameter', param, `${param} is not supported: ${issue.message}`);
  return refuseField('invalid_value', param, `${param}: ${issue.message}`);
}

const FEATURE_FIELD = /^(messages|input)\[.*\.(role|content|type|name|refusal|tool_calls|function_call|annotations|audio)$/;
const FEATURE_ISSUES: ReadonlySet<string> = new Set(['picklist', 'literal', 'union', 'variant', 'null', 'max_length']);

function isFeature({ type }: v.BaseIssue<unknown>, param: string): boolean {
  return param === 'prompt' ? type === 'length' : FEATURE_FIELD.test(param) && FEATURE_ISSUES.has(type);
}

/** `messages[0].content`, as the OpenAI API writes it. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, SHOWN_NAME_CHARACTERS)}`)) ?? [];
  return keys.join('').slice(1) || 'body';
}

export function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
