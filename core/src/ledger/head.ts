import * as v from 'valibot';
import { domainBytes } from '../canonical-json.ts';
import { HexHash } from '../ids.ts';
import { contentHashOf, linkHashOf } from './entry.ts';
import type { SignedHead } from '../protocol/audit-from-coordinator.ts';
import type { LedgerEntry } from './entry.ts';

export type HeadBody = SignedHead['body'];

/** One entry's place in the chain without what it says (SPEC B1). */
export const LedgerLink = v.strictObject({
  sequence: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  previous: HexHash,
  content: HexHash,
  hash: HexHash,
});
export type LedgerLink = v.InferOutput<typeof LedgerLink>;

/** Entries a chain of links may span when it is asked for in one go: a day of one job in three seconds, 10 MB of JSON. */
export const MAX_LEDGER_LINKS = 30_000;
/** What answers a tab that asks for the links from one head to another (SPEC B2). */
export const LedgerLinks = v.pipe(v.array(LedgerLink), v.maxLength(MAX_LEDGER_LINKS));

/** A point of the chain: an entry's number and hash. */
export type LedgerPoint = Pick<HeadBody, 'sequence' | 'hash'>;

/** What is wrong with links, at which entry. `fork`: two hashes for one number, which is the proof of a second ledger. */
export interface LinkProblem {
  readonly code: 'backwards' | 'fork' | 'missing' | 'sequence' | 'previous' | 'hash' | 'surplus';
  readonly sequence: number;
  readonly got: string;
  readonly expected: string;
}

/** Bytes that the coordinator's key signs for a head (SPEC B1). */
export function headBytes({ network, sequence, hash, at }: HeadBody): Uint8Array {
  return domainBytes('ciro/head/1', { network, sequence, hash, at });
}

/** Body of the head that a ledger's last entry makes. `at`: epoch milliseconds. */
export function headOf(network: string, last: Pick<LedgerEntry, 'sequence' | 'hash'>, at: number): HeadBody {
  return { network, sequence: last.sequence, hash: last.hash as HexHash, at };
}

/** Links of entries, in their order (SPEC B1). */
export function linksOf(entries: Iterable<LedgerEntry>): LedgerLink[] {
  return Array.from(entries, (entry) => ({ sequence: entry.sequence, previous: entry.previous as HexHash, content: contentHashOf(entry) as HexHash, hash: entry.hash as HexHash }));
}

/** True when two heads of one network cannot belong to one ledger: the pair, signed, is the proof (SPEC B2). */
export function areTwoLedgers(a: HeadBody, b: HeadBody): boolean {
  return a.network === b.network && a.sequence === b.sequence && a.hash !== b.hash;
}

/**
 * The first thing that keeps `links` (entries from.sequence + 1 … to.sequence, in order) from leading from one point to the
 * other; null when they do (SPEC B2). Never throws.
 */
export function checkLinks(from: LedgerPoint, to: LedgerPoint, links: readonly LedgerLink[]): LinkProblem | null {
  if (to.sequence < from.sequence) return { code: 'backwards', sequence: to.sequence, got: String(to.sequence), expected: `at least ${from.sequence}` };
  let { sequence, hash } = from as { sequence: number; hash: string };
  for (const link of links) {
    if (sequence === to.sequence) return { code: 'surplus', sequence: link.sequence, got: String(links.length), expected: `${to.sequence - from.sequence} links` };
    sequence++;
    if (link.sequence !== sequence) return { code: 'sequence', sequence, got: String(link.sequence), expected: String(sequence) };
    if (link.previous !== hash) return { code: 'previous', sequence, got: link.previous, expected: hash };
    const expected = linkHashOf(link);
    if (link.hash !== expected) return { code: 'hash', sequence, got: link.hash, expected };
    hash = link.hash;
  }
  if (sequence < to.sequence) return { code: 'missing', sequence: sequence + 1, got: 'nothing', expected: `${to.sequence - from.sequence} links` };
  return hash === to.hash ? null : { code: 'fork', sequence, got: to.hash, expected: hash };
}
