import { toJsonSchemaDefs } from '@valibot/to-json-schema';
import { KeyBody } from '../../accounts/key-wish.ts';
import { ChatBody } from '../../intake/chat-request.ts';
import { CompletionBody } from '../../intake/completion-request.ts';
import { INPUT_KINDS, ResponseBody } from '../../intake/response-request.ts';
import { NonceBody } from '../job-routes.ts';
import { PayoutBody } from '../payout-routes.ts';
import { Account, ChatCompletion, ChatCompletionChunk, CiroReply, Completion, ErrorReply, JobEvent, JobReply, KeyReply, Listed, Model, ModelList, ResponseEvent, ResponseReply, Some, Trial } from './reply-schemas.ts';
import type * as v from 'valibot';

/** Every body and reply that has a name in the document: those that requests are read by, and those that replies are held against in tests. */
export const SCHEMAS = {
  Error: ErrorReply,
  Ciro: CiroReply,
  ChatRequest: ChatBody,
  ChatCompletion,
  ChatCompletionChunk,
  CompletionRequest: CompletionBody,
  Completion,
  ResponseRequest: ResponseBody,
  Response: ResponseReply,
  ResponseEvent,
  Model,
  ModelList,
  Job: JobReply,
  JobEvent,
  NonceRequest: NonceBody,
  PayoutRequest: PayoutBody,
  Trial,
  Account,
  KeyRequest: KeyBody,
  Key: KeyReply,
  List: Listed,
  Object: Some,
} satisfies Record<string, v.GenericSchema>;

export type SchemaName = keyof typeof SCHEMAS;

export const schemaRef = (name: SchemaName): { readonly $ref: string } => ({ $ref: `#/components/schemas/${name}` });

/** The JSON Schemas (2020-12) of what a client sends and is sent. Throws where a schema has no such form: no route is described by less than it checks. */
export function componentSchemas(): Record<string, unknown> {
  return toJsonSchemaDefs(SCHEMAS, {
    target: 'draft-2020-12',
    typeMode: 'input',
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'lazy' ? { anyOf: INPUT_KINDS.map((kind) => inline(kind)) } : undefined),
    // What JSON Schema has no word for: brands and checks say nothing of the form, and whole numbers are safe ones here.
    ignoreActions: ['brand', 'transform', 'check', 'raw_check'],
    overrideAction: ({ valibotAction, jsonSchema }) => (valibotAction.type === 'safe_integer' ? { ...jsonSchema, type: 'integer' } : undefined),
  });
}

function inline(schema: v.GenericSchema): object {
  const { it } = toJsonSchemaDefs({ it: schema }, { target: 'draft-2020-12', typeMode: 'input' });
  return it ?? {};
}
