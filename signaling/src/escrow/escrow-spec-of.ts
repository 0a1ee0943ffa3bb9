import type { HexHash } from '@ciro/core/ids.ts';
import type { EscrowSpec } from '@ciro/core/settlement/escrow.ts';
import type { ChatRequest } from '../intake/chat-request.ts';

/** What of a request its escrow pays for (SPEC N1); `model` is the id behind the name that it gives. */
export function escrowSpecOf({ messages, maxTokens, temperature, topP, topK, minP, repetitionPenalty, stop, seed, assurance }: ChatRequest, model: HexHash): EscrowSpec {
  return { model, messages, maxTokens: maxTokens ?? null, temperature, topP, topK, minP, repetitionPenalty, stop, seed: seed ?? null, assurance };
}
