import * as v from 'valibot';
import { checkOf, differs, failed, notChecked, reportOf, shown, wrong } from '../evidence/report.ts';
import { GENESIS_HASH } from '../ledger/entry.ts';
import { checkLinks } from '../ledger/head.ts';
import { LedgerExport } from '../ledger/verify-ledger.ts';
import { checkPerformance } from './check-performance.ts';
import { dataHashOf, draftEpoch, EpochData, hex, leavesOf } from './epoch.ts';
import { climb, growTree, proofOf, rootOf } from './epoch-tree.ts';
import { SettlementError } from './settlement-error.ts';
import { findFall } from './succession.ts';
import type { Check, Report, WrongElement } from '../evidence/report.ts';
import type { HexHash } from '../ids.ts';
import type { EpochTree } from './epoch-tree.ts';

/**
 * Proofs that are climbed one by one. Every node of the tree was hashed from its children before, so a proof that is read out of it leads
 * to the root by construction; climbing them shows that the read-out is right, and 4,096 of them take 5 s.
 */
const MAX_PROOFS = 4_096;

export interface VerifyEpochOptions {
  /** The epoch before, as it was published; `unknown` as this one. */
  readonly before?: unknown;
  /** The ledger's links, as `LedgerExport`; `unknown` too. */
  readonly ledger?: unknown;
  /** The epoch's performance (SPEC X11), `unknown` too. */
  readonly performance?: unknown;
  /** Hears what is computed, which for 100,000 payees takes half a minute. */
  readonly onStep?: (what: string) => void;
}

/** Makes an epoch again from its entries: order, sums, depth, root, proofs, data hash, head of the ledger (SPEC X4), what fell since the one before (X5), and the performance that was published with it (X11). Never throws. */
export function verifyEpoch(value: unknown, { before, ledger, performance, onStep = () => undefined }: VerifyEpochOptions = {}): Report {
  const parsed = parse('epoch', value);
  if ('check' in parsed) return reportOf([parsed.check]);
  const { epoch } = parsed;
  const checks: Check[] = [checkOf('format', undefined, `epoch ${epoch.epoch} of ${epoch.network}, contract ${epoch.store}`), checkOf('entries', checkEntries(epoch), `${epoch.count} accounts in rising order, each once, ${epoch.total} base units in all`)];
  if (checks.every(({ state }) => state === 'ok')) {
    onStep(`${epoch.count} leaves`);
    const tree = growTree(leavesOf(epoch), { depth: epoch.depth });
    checks.push(checkOf('root', differs('root', hex(rootOf(tree)), epoch.root, 'root of the tree over all entries'), `a tree of depth ${epoch.depth} has root ${epoch.root}`));
    onStep('proofs');
    checks.push(checkProofs(epoch, tree));
  }
  checks.push(checkOf('data hash', differs('data_hash', dataHashOf(epoch), epoch.data_hash, 'hash of everything the epoch says'), epoch.data_hash));
  checks.push(checkLedger(epoch, ledger));
  checks.push(before === undefined ? notChecked('succession', 'no epoch before it was given') : checkSuccession(epoch, before));
  if (performance !== undefined) checks.push(checkPerformance(epoch, performance));
  return reportOf(checks);
}

type Parsed = { readonly epoch: EpochData } | { readonly check: Check };

function parse(name: string, value: unknown): Parsed {
  const parsed = v.safeParse(EpochData, value, { abortEarly: true });
  if (parsed.success) return { epoch: parsed.output };
  const [issue] = parsed.issues;
  const at = v.getDotPath(issue) ?? name;
  return { check: failed('format', { at, expected: issue.expected ?? 'a published epoch', got: shown(issue.received), why: issue.message.slice(0, 200) }) };
}

/** Makes the draft again, and compares its sums and its order with what stands there. */
function checkEntries(epoch: EpochData): WrongElement | undefined {
  const payees = epoch.entries.map(({ account, cumulative }) => ({ account, cumulative: BigInt(cumulative) }));
  try {
    const draft = draftEpoch({ network: epoch.network, chainId: epoch.chain_id, store: epoch.store, epoch: epoch.epoch, payees });
    const misplaced = draft.entries.findIndex(({ account }, index) => account !== epoch.entries[index]?.account);
    if (misplaced >= 0) return wrong(`entries[${misplaced}].account`, draft.entries[misplaced]?.account, epoch.entries[misplaced]?.account, 'entries rise by account');
    return differs('total', draft.total, epoch.total, 'sum of all cumulative amounts') ?? differs('count', draft.count, epoch.count, 'number of entries') ?? differs('depth', draft.depth, epoch.depth, 'levels that so many leaves need');
  } catch (error) {
    if (!(error instanceof SettlementError)) throw error;
    return wrong('entries', 'payees that make an epoch', error.code, error.message);
  }
}

function checkProofs({ entries, root }: EpochData, tree: EpochTree): Check {
  const every = Math.max(1, Math.ceil(entries.length / MAX_PROOFS));
  const expected = BigInt(root);
  let climbed = 0;
  for (let index = 0; index < entries.length; index += every, climbed++) {
    const led = climb(tree.levels[0]?.[index] ?? 0n, index, proofOf(tree, index));
    if (led !== expected) return failed('proofs', wrong(`entries[${index}]`, root, hex(led), 'root that the entry and its proof lead to'));
  }
  const rest = every === 1 ? 'each of them' : `one in ${every} of them climbed, the others by the tree they are read out of`;
  return checkOf('proofs', undefined, `${entries.length} entries are under the root: ${rest}`);
}

/** The entry that the epoch was read up to is a point of the chain of links. */
function checkLedger({ ledger: point }: EpochData, value: unknown): Check {
  const name = 'ledger head';
  if (point === undefined) return notChecked(name, 'the epoch names no entry of the ledger');
  if (value === undefined) return notChecked(name, `it was read up to entry ${point.sequence}, and no ledger was given (--ledger)`);
  const parsed = v.safeParse(LedgerExport, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return failed(name, wrong(v.getDotPath(issue) ?? 'the ledger', issue.expected ?? 'a ledger', shown(issue.received), issue.message.slice(0, 200)));
  }
  const problem = checkLinks({ sequence: -1, hash: GENESIS_HASH as HexHash }, point, parsed.output.links.slice(0, point.sequence + 1));
  const found = problem === null ? undefined : wrong(problem.code === 'fork' ? 'ledger.hash' : `links[${problem.sequence}]`, problem.expected, problem.got, `${problem.code}: the epoch was made from another ledger, or from one that is not whole`);
  return checkOf(name, found, `entry ${point.sequence} of the ledger has hash ${point.hash.slice(0, 12)}…, as its chain of links`);
}

function checkSuccession(epoch: EpochData, value: unknown): Check {
  const parsed = parse('the epoch before', value);
  if ('check' in parsed) return { ...parsed.check, name: 'succession' };
  const { epoch: before } = parsed;
  const strange = differs('before.network', epoch.network, before.network, 'the same network') ?? differs('before.store', epoch.store, before.store, 'the same contract') ?? differs('before.chain_id', epoch.chain_id, before.chain_id, 'the same chain');
  if (strange !== undefined) return failed('succession', strange);
  if (before.epoch >= epoch.epoch) return failed('succession', wrong('before.epoch', `below ${epoch.epoch}`, before.epoch, 'an earlier epoch'));
  if (before.ledger !== undefined && (epoch.ledger?.sequence ?? -1) < before.ledger.sequence) return failed('succession', wrong('ledger.sequence', `at least ${before.ledger.sequence}`, epoch.ledger?.sequence ?? 'none', `epoch ${before.epoch} was read up to there, and a ledger only grows`));
  const fall = findFall(before, epoch);
  if (fall !== undefined) return failed('succession', wrong(`entries of ${fall.account}`, `at least ${fall.before - fall.corrected}`, String(fall.now), `it had ${fall.before} in epoch ${before.epoch}`));
  const named = epoch.corrections.length === 0 ? 'no correction' : `${epoch.corrections.length} corrections, by name`;
  return checkOf('succession', undefined, `nobody has less than in epoch ${before.epoch} but for ${named}`);
}
