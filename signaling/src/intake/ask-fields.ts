import * as v from 'valibot';
import { HexHash } from '@ciro/core/ids.ts';
import { EscrowId, EscrowSalt } from '@ciro/core/settlement/escrow.ts';
import { refuseField } from './intake-error.ts';
import type { EscrowClaim } from '../escrow/check-escrow.ts';
import type { AnswerWish } from './ask-request.ts';

/** Stop strings of one request, as in the OpenAI API. */
export const MAX_STOPS = 4;
/** Longest stop string: text that may be one is held back from the stream, so it has to stay short. */
export const MAX_STOP_CHARACTERS = 256;
/** Longest name that a client gives its own user: ids and e-mail addresses fit. */
const MAX_USER_CHARACTERS = 512;
/** Answer length when the request names none. */
export const DEFAULT_MAX_TOKENS = 256;
export const DEFAULT_TEMPERATURE = 0.7;

export const Flag = v.boolean('expected true or false');
export const Text = v.string('expected text');
export const Tokens = v.pipe(v.number('expected a whole number'), v.safeInteger('expected a whole number'), v.minValue(1, 'must be at least 1'), v.description('Most tokens of the answer'));
export const ModelName = v.pipe(v.string('expected the name of a model'), v.description('Name or id of a model that is served, or `default`'));
const NumberIn = (least: number, most: number) =>
  v.pipe(v.number(`expected a number from ${least} to ${most}`), v.minValue(least, `must be at least ${least}`), v.maxValue(most, `must be at most ${most}`));
const StopText = v.pipe(Text, v.minLength(1, 'must not be empty'), v.maxLength(MAX_STOP_CHARACTERS, `must have at most ${MAX_STOP_CHARACTERS} characters`));
const UserName = v.pipe(Text, v.maxLength(MAX_USER_CHARACTERS, `must have at most ${MAX_USER_CHARACTERS} characters`), v.description('Checked; neither used nor kept'));

/** How ids are drawn. */
export const SAMPLING_ENTRIES = {
  temperature: v.nullish(v.pipe(NumberIn(0, 2), v.description(`${DEFAULT_TEMPERATURE} if absent; 0 takes the likeliest token`))),
  top_p: v.nullish(NumberIn(0, 1)),
  top_k: v.nullish(v.pipe(NumberIn(0, 1000), v.integer('expected a whole number'))),
  min_p: v.nullish(NumberIn(0, 1)),
  repetition_penalty: v.nullish(NumberIn(0.5, 2)),
  seed: v.nullish(v.pipe(v.number('expected a whole number'), v.safeInteger('expected a whole number'), v.description('Equal seeds draw equally; folded to 32 bits'))),
};

/** What a client says of itself. None of it changes an answer, here or in the OpenAI API: taken, checked, and neither used nor kept. */
export const CLIENT_ENTRIES = {
  user: v.nullish(UserName),
  safety_identifier: v.nullish(UserName),
  prompt_cache_key: v.nullish(UserName),
};

export const STREAM_ENTRIES = {
  stream: v.nullish(Flag),
  stream_options: v.nullish(v.strictObject({ include_usage: v.nullish(Flag), include_obfuscation: v.nullish(v.literal(false, 'only false is supported')) })),
};

export const Stop = v.nullish(v.union([StopText, v.pipe(v.array(StopText), v.maxLength(MAX_STOPS, `must hold at most ${MAX_STOPS} texts`))], `expected a text of 1 to ${MAX_STOP_CHARACTERS} characters, or a list of at most ${MAX_STOPS}`));

const ASSURANCE_ENTRIES = {
  assurance: v.nullish(v.pipe(v.picklist(['stream', 'checked'], 'expected stream or checked'), v.description('`stream`: text as it comes, corrected afterwards; `checked`: text once every stage was audited'))),
  nonce_commitment: v.nullish(v.pipe(v.string('expected 64 lower-case hex digits'), HexHash, v.description('SHA-256 of the nonce that goes into the audit draw'))),
  keep_going: v.nullish(v.pipe(Flag, v.description('The answer goes on when its client hangs up'))),
  reuse: v.nullish(v.pipe(Flag, v.description('May begin with what workers keep of earlier answers; true if absent'))),
};

/** Our own part of a request that no escrow can pay for. */
export const CiroPart = v.strictObject(ASSURANCE_ENTRIES, 'expected {"assurance":…,"nonce_commitment":…,"keep_going":…,"reuse":…}');

/** Our own part of a chat request. Anything else in it is refused by name. */
export const ChatCiroPart = v.strictObject({ ...ASSURANCE_ENTRIES, escrow: v.nullish(EscrowId), escrow_salt: v.nullish(EscrowSalt) }, 'expected {"assurance":…,"nonce_commitment":…,"keep_going":…,"escrow":…,"escrow_salt":…,"reuse":…}');

/** Fields that mean the same in every request, as a parser gives them. */
type Said = v.InferOutput<v.ObjectSchema<typeof SAMPLING_ENTRIES & typeof STREAM_ENTRIES & { readonly model: typeof ModelName; readonly stop: typeof Stop }, undefined>> & {
  readonly ciro?: v.InferOutput<typeof ChatCiroPart> | null | undefined;
};

/** The typed form of these fields; what is left out is filled in, except what depends on the model. */
export function wishFrom(said: Said, maxTokens: number | null | undefined): AnswerWish {
  const ciro = said.ciro ?? {};
  return {
    model: said.model,
    stream: said.stream ?? false,
    includeUsage: said.stream_options?.include_usage ?? false,
    maxTokens: maxTokens ?? undefined,
    temperature: said.temperature ?? DEFAULT_TEMPERATURE,
    topP: said.top_p ?? 1,
    topK: said.top_k ?? 0,
    minP: said.min_p ?? 0,
    repetitionPenalty: said.repetition_penalty ?? 1,
    stop: typeof said.stop === 'string' ? [said.stop] : (said.stop ?? []),
    seed: said.seed ?? undefined,
    assurance: ciro.assurance ?? 'stream',
    nonceCommitment: ciro.nonce_commitment ?? null,
    keepGoing: ciro.keep_going ?? false,
    ...claimOf(ciro),
    reuse: ciro.reuse ?? true,
  };
}

function claimOf({ escrow, escrow_salt: salt }: { readonly escrow?: EscrowId | null | undefined; readonly escrow_salt?: EscrowSalt | null | undefined }): { readonly escrow?: EscrowClaim } {
  if (escrow == null && salt == null) return {};
  if (escrow != null && salt != null) return { escrow: { escrow, salt } };
  const [missing, there] = escrow == null ? ['escrow', 'escrow_salt'] : ['escrow_salt', 'escrow'];
  throw refuseField('missing_required_parameter', `ciro.${missing}`, `ciro.${missing} is missing: ciro.${there} goes with it; the salt is the one that the escrow's spec_hash was made with`);
}
