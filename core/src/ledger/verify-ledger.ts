import { sha256 } from '@noble/hashes/sha2.js';
import * as v from 'valibot';
import { fromHex, toHex } from '../bytes.ts';
import { checkOf, differs, failed, notChecked, reportOf, shown, wrong } from '../evidence/report.ts';
import { SignedHead } from '../protocol/audit-from-coordinator.ts';
import { GENESIS_HASH } from './entry.ts';
import { checkLinks, headBytes, LedgerLink } from './head.ts';
import type { Check, Report, WrongElement } from '../evidence/report.ts';
import type { HexHash } from '../ids.ts';

/** A ledger's chain without what its entries say: links from the first entry on, and signed heads, of whatever times and from whoever kept them. */
export const LedgerExport = v.strictObject({ object: v.literal('ledger'), heads: v.pipe(v.array(SignedHead), v.minLength(1)), links: v.array(LedgerLink) });
export type LedgerExport = v.InferOutput<typeof LedgerExport>;

export interface VerifyLedgerPorts {
  /** True when the P-256 key (uncompressed point, hex) signed the bytes. */
  readonly verifySignature: (publicKey: string, bytes: Uint8Array, signature: string) => Promise<boolean>;
  /** The coordinator's key; without it signatures are not checked. */
  readonly coordinatorKey?: string;
}

/** Hex digits of a coordinator's key in its network's name, as every party knows it. */
const NETWORK_DIGITS = 8;

/** Every link follows from the one before, back to the beginning, and every head is a point of that one chain (SPEC B1, B2). Never throws. */
export async function verifyLedger(value: unknown, { verifySignature, coordinatorKey }: VerifyLedgerPorts): Promise<Report> {
  const parsed = v.safeParse(LedgerExport, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return reportOf([failed('format', wrong(v.getDotPath(issue) ?? 'ledger', issue.expected ?? 'a ledger', shown(issue.received), issue.message.slice(0, 200)))]);
  }
  const { heads, links } = parsed.output;
  const newest = heads.reduce((a, b) => (b.body.sequence > a.body.sequence ? b : a));
  const checks: Check[] = [
    checkOf('format', undefined, `${links.length} links and ${heads.length} heads of ${newest.body.network}`),
    checkOf('chain', checkChain(parsed.output, newest.body), `${links.length} entries, each over the hash of the one before, up to ${newest.body.hash.slice(0, 12)}…`),
    checkOf('heads', checkHeads(parsed.output), `${heads.length} heads lie on that one chain`),
  ];
  const name = 'signatures';
  if (coordinatorKey === undefined) return reportOf([...checks, notChecked(name, 'the coordinator\'s key was not given (--key)')]);
  const network = `ciro-${toHex(sha256(fromHex(coordinatorKey))).slice(0, NETWORK_DIGITS)}`;
  for (const [index, { body, signature }] of heads.entries()) {
    const strange = differs(`heads[${index}].body.network`, network, body.network, 'network of that key');
    if (strange !== undefined) return reportOf([...checks, failed(name, strange)]);
    if (!(await verifySignature(coordinatorKey, headBytes(body), signature))) return reportOf([...checks, failed(name, wrong(`heads[${index}].signature`, 'a signature by the given key', signature, 'head of the ledger'))]);
  }
  return reportOf([...checks, checkOf(name, undefined, `${heads.length} heads are signed by the given key`)]);
}

function checkChain({ links }: LedgerExport, to: { readonly sequence: number; readonly hash: HexHash }): WrongElement | undefined {
  const problem = checkLinks({ sequence: -1, hash: GENESIS_HASH as HexHash }, to, links.slice(0, to.sequence + 1));
  return problem === null ? undefined : wrong(`links[${problem.sequence}]`, problem.expected, problem.got, problem.code);
}

function checkHeads({ heads, links }: LedgerExport): WrongElement | undefined {
  for (const [index, { body }] of heads.entries()) {
    const found =
      differs(`heads[${index}].body.network`, heads[0]?.body.network ?? '', body.network, 'heads of one network') ??
      differs(`heads[${index}].body.hash`, links[body.sequence]?.hash ?? 'none', body.hash, `hash of entry ${body.sequence}: another one is the proof of a second ledger`);
    if (found !== undefined) return found;
  }
  return undefined;
}
