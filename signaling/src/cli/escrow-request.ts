import * as v from 'valibot';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { apiError } from './ask.ts';
import { usage } from './job-options.ts';
import { ESCROW_USAGE } from './escrow-options.ts';
import type { CreateOptions } from './escrow-options.ts';
import type { EscrowFile } from './escrow-file.ts';

/** What a chat template adds to a message, and to the end, in tokens at most: roles and marks. */
const TEMPLATE_TOKENS = 32;

const Models = v.object({ data: v.array(v.object({ id: v.string(), model_id: v.string(), ciro: v.object({ sha256: v.string(), default: v.boolean() }) })) });

/** The model that a coordinator serves by this name: its id, and its file's SHA-256. */
export async function servedModel(url: string, name: string): Promise<{ readonly id: string; readonly file: string }> {
  const response = await fetch(`${url}/v1/models`).catch((cause: unknown) => {
    throw usage(`no coordinator answers at ${url} (${cause instanceof Error ? cause.message : String(cause)}); name it by --url: it says which model the job is for`, ESCROW_USAGE);
  });
  if (!response.ok) throw apiError(response.status, await response.json());
  const { data } = v.parse(Models, await response.json());
  const found = data.find(({ id, model_id, ciro }) => id === name || model_id === name || (name === 'default' && ciro.default));
  if (found === undefined) throw usage(`${url} serves no model ${JSON.stringify(name)}; it serves ${data.map(({ id }) => id).join(', ')}`, ESCROW_USAGE);
  return { id: found.model_id, file: found.ciro.sha256 };
}

/** The request as it will be sent. */
export function requestOf({ prompt, system, model, maxTokens, temperature, seed, assurance }: CreateOptions): EscrowFile['request'] {
  const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }];
  return { model, messages, max_tokens: maxTokens, temperature, seed, ciro: { assurance } };
}

/** Base units that a request costs at most, whatever its tokeniser: no token stands for less than a byte. What is not used comes back. */
export function mostOf({ messages, max_tokens: maxTokens }: EscrowFile['request']): bigint {
  const tokens = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + TEMPLATE_TOKENS, TEMPLATE_TOKENS);
  return price(LAUNCH_RATES, tokens, maxTokens);
}
