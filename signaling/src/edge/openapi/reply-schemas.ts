import * as v from 'valibot';

const Text = v.string();
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Seconds = v.pipe(v.number(), v.integer(), v.description('Seconds since 1970'));
const Job = v.pipe(Text, v.regex(/^[0-9a-f]{32}$/));
const Hash = v.pipe(Text, v.regex(/^[0-9a-f]{64}$/));
const finish = v.picklist(['stop', 'length']);
const list = <const Of extends v.GenericSchema>(of: Of) => v.strictObject({ object: v.literal('list'), data: v.array(of) });

/** The error of every route. */
export const ErrorReply = v.strictObject({
  error: v.strictObject({
    message: v.pipe(Text, v.description('What went wrong, and what to do')),
    type: v.picklist(['invalid_request_error', 'authentication_error', 'insufficient_quota', 'rate_limit_error', 'server_error']),
    param: v.pipe(v.nullable(Text), v.description('The field of the request that is meant')),
    code: v.pipe(Text, v.description('Stays the same; messages may change')),
    ciro: v.optional(v.strictObject({ missing_tabs: Count, missing_bytes: Count, tab_bytes: Count, join_url: Text })),
  }),
});

/** Our addition to an answer: its job, or the command that answered. */
const Amount = v.pipe(Text, v.description('Base units'));
/** What the answer may have cost at most, and how that comes about (SPEC M13). */
export const PriceReply = v.strictObject({
  service_class: Text, priority: Text, total: Amount, credits: Text,
  rates: v.strictObject({ prompt_token: Amount, generated_token: Amount, fee_basis_points: Text }),
  lines: v.array(v.strictObject({ what: Text, name: v.optional(Text), factor_basis_points: v.number(), amount: Amount })),
  split: v.strictObject({ workers: Amount, fee: Amount }),
});
export const CiroReply = v.union([
  v.strictObject({
    job: Job,
    tracking_url: v.pipe(Text, v.description('Where the job stands')),
    evidence: v.pipe(Text, v.description('Path of everything that the answer is proved by')),
    assurance: v.picklist(['stream', 'checked']),
    price: v.optional(PriceReply),
    corrected_by: v.optional(Job),
  }),
  v.strictObject({ command: v.pipe(Text, v.description('The command that answered; there is no job')) }),
]);

const Usage = v.strictObject({ prompt_tokens: Count, prompt_tokens_details: v.strictObject({ cached_tokens: v.pipe(Count, v.description('Tokens of the prompt that were kept from an earlier job; they are not charged')) }), completion_tokens: Count, total_tokens: Count });
const head = <const Kind extends string>(object: Kind) => ({ id: Text, object: v.literal(object), created: Seconds, model: Text });
const one = <const Of extends v.GenericSchema>(of: Of) => v.pipe(v.array(of), v.length(1));

export const ChatCompletion = v.strictObject({
  ...head('chat.completion'),
  choices: one(v.strictObject({ index: v.literal(0), message: v.strictObject({ role: v.literal('assistant'), content: Text, refusal: v.null() }), logprobs: v.null(), finish_reason: finish })),
  usage: Usage,
  ciro: CiroReply,
});

export const ChatCompletionChunk = v.strictObject({
  ...head('chat.completion.chunk'),
  choices: v.array(v.strictObject({ index: v.literal(0), delta: v.strictObject({ role: v.optional(v.literal('assistant')), content: v.optional(Text) }), logprobs: v.null(), finish_reason: v.nullable(finish) })),
  usage: v.optional(v.nullable(Usage)),
  ciro: v.pipe(v.optional(CiroReply), v.description('In the last chunk')),
});

export const Completion = v.strictObject({
  ...head('text_completion'),
  choices: v.array(v.strictObject({ index: v.literal(0), text: Text, logprobs: v.null(), finish_reason: v.nullable(finish) })),
  usage: v.optional(v.nullable(Usage)),
  ciro: v.optional(CiroReply),
});

const OutputText = v.strictObject({ type: v.literal('output_text'), text: Text, annotations: v.array(v.unknown()), logprobs: v.array(v.unknown()) });
export const ResponseReply = v.strictObject({
  id: Text,
  object: v.literal('response'),
  created_at: Seconds,
  status: v.picklist(['in_progress', 'completed', 'incomplete']),
  error: v.null(),
  incomplete_details: v.nullable(v.strictObject({ reason: v.literal('max_output_tokens') })),
  instructions: v.nullable(Text),
  max_output_tokens: v.nullable(Count),
  model: Text,
  output: v.array(v.strictObject({ id: Text, type: v.literal('message'), role: v.literal('assistant'), status: v.picklist(['in_progress', 'completed', 'incomplete']), content: v.array(OutputText) })),
  parallel_tool_calls: v.literal(false),
  previous_response_id: v.null(),
  store: v.literal(false),
  temperature: v.number(),
  text: v.strictObject({ format: v.strictObject({ type: v.literal('text') }) }),
  tool_choice: v.literal('none'),
  tools: v.array(v.unknown()),
  top_p: v.number(),
  truncation: v.literal('disabled'),
  metadata: v.strictObject({}),
  usage: v.nullable(v.strictObject({ input_tokens: Count, input_tokens_details: v.strictObject({ cached_tokens: Count }), output_tokens: Count, output_tokens_details: v.strictObject({ reasoning_tokens: Count }), total_tokens: Count })),
  ciro: v.optional(CiroReply),
});

/** An event of a streamed response; which members it has depends on its type. */
export const ResponseEvent = v.looseObject({ type: Text, sequence_number: Count });

export const Model = v.strictObject({
  id: Text,
  object: v.literal('model'),
  created: Seconds,
  owned_by: Text,
  model_id: Hash,
  ciro: v.strictObject({ sha256: Hash, context: Count, licence: v.nullable(v.unknown()), default: v.boolean(), missing_tabs: v.pipe(Count, v.description('Tabs that must come before it can be placed')) }),
});
export const ModelList = list(Model);

/** Where a job stands. */
export const JobReply = v.looseObject({
  object: v.literal('job'),
  id: Job,
  status: v.pipe(Text, v.description('Of its record: running, recorded or failed')),
  phase: v.pipe(Text, v.description('queued, running, moving, verifying, settled, cancelled or failed')),
  jobs_ahead: v.pipe(v.nullable(Count), v.description('While it waits')),
  usage: v.nullable(v.strictObject({ prompt_tokens: Count, completion_tokens: Count })),
  created: v.pipe(v.number(), v.description('Milliseconds since 1970')),
  assurance: v.picklist(['stream', 'checked']),
  audits: v.array(v.strictObject({ stage: Count, status: Text })),
  corrects: v.nullable(Job),
  corrected_by: v.nullable(Job),
  continues: v.nullable(Job),
  continued_by: v.nullable(Job),
  error: v.nullable(v.looseObject({ code: Text, message: Text })),
  events: Text,
  answer: Text,
  evidence: Text,
});
export const JobEvent = v.pipe(v.looseObject({ type: Text }), v.description('queued, started, moved, finished, recorded, audit, corrected, settled, failed …'));
export const Trial = v.strictObject({ object: v.literal('trial'), key: Text, account: Text, credits: v.number() });
export const Account = v.looseObject({ object: v.literal('account'), account: Text, balance: v.pipe(Text, v.description('Base units of credits')), credits: Text });
export const Listed = v.looseObject({ object: v.literal('list'), data: v.array(v.looseObject({})) });
/** An object whose members are those of its room. */
export const Some = v.looseObject({});
const Credits = v.nullable(v.pipe(Text, v.description('Credits, decimal; null where only the balance of the account bounds it')));
export const KeyReply = v.strictObject({
  object: v.literal('api_key'), id: Text, name: Text, begins: v.pipe(Text, v.description('The first characters of its text')), scopes: v.array(Text),
  budget: v.strictObject({ total: Credits, daily: Credits }), created_at: Text, expires_at: v.nullable(Text), last_used_on: v.nullable(Text), key: Text,
});
export const TakenJobReply = v.strictObject({ object: v.literal('job'), id: Job, status: v.literal('running'), phase: v.literal('queued'), deadline: v.optional(Text), tracking_url: Text, events: Text, answer: Text, evidence: Text });
