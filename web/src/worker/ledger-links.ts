import * as v from 'valibot';
import { LedgerLinks } from '@ciro/core/ledger/head.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { readBody } from '../shards/read-body.ts';
import { ShardError } from '../shards/shard-error.ts';
import type { LinksAnswer } from '../audit/head-watch.ts';

/** Bytes of one link as JSON, with room for its number; and of what is around them. */
const LINK_BYTES = 400;
const Answer = v.object({ data: LedgerLinks });
/** An answer that takes longer is asked for again with the next head. */
const LINKS_TIMEOUT_MS = 20_000;
/** The coordinator is asked to come back later: that is no answer. */
const NOT_NOW: readonly number[] = [408, 425, 429];

/**
 * Asks a coordinator for the links of its ledger's entries `from + 1` to `to` (SPEC B2). `base`: its URL, ending in a slash.
 * Rejects when it could not be asked, or is not able to answer now; whatever else is not links is a refusal.
 */
export async function fetchLinks(fetch: (url: string, init: RequestInit) => Promise<Response>, base: string, from: number, to: number): Promise<LinksAnswer> {
  const response = await fetch(`${base}v1/ledger/links?from=${from}&to=${to}`, { signal: AbortSignal.timeout(LINKS_TIMEOUT_MS) });
  if (response.status >= 500 || NOT_NOW.includes(response.status)) throw new Error(`the coordinator answered ${response.status} to a question for ledger links`);
  if (!response.ok) return { refused: `the coordinator answered ${response.status}` };
  let body: Uint8Array;
  try {
    body = await readBody(response, LINK_BYTES * (to - from + 1));
  } catch (error) {
    if (error instanceof ShardError) return { refused: error.message };
    throw error;
  }
  try {
    return { links: parseAs(Answer, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), 'links of the ledger').data };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
