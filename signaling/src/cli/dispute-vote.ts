import { findRoot, findWorker } from '../disputes/arbiter.ts';
import { epochOnChain } from '../chain/epoch-on-chain.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { DISPUTE_USAGE } from './dispute-options.ts';
import { existingCase } from './dispute-table.ts';
import { landed } from './court-moves.ts';
import { usage } from './job-options.ts';
import { showWaiting } from './progress.ts';
import { readSource, readSourceText } from './read-source.ts';
import { judgePorts } from './verify-case.ts';
import { verifyTable } from './verify-table.ts';
import type { Finding } from '../disputes/arbiter.ts';
import type { CourtCase } from '../disputes/court-port.ts';
import type { CourtHand } from './court-moves.ts';
import type { DisputeOptions } from './dispute-options.ts';

type VoteOptions = Extract<DisputeOptions, { do: 'vote' }>;

/** Votes as told, or as a case is found. Exit 1 without a vote where it cannot be told. */
export async function castVote(hand: CourtHand, options: VoteOptions): Promise<void> {
  const { court, print } = hand;
  const { account } = court;
  const found = await existingCase(court, options.id);
  if (account === null) throw usage('who votes is not known: set CIRO_ACCOUNT_ADDRESS and CIRO_ACCOUNT_KEY', DISPUTE_USAGE);
  if (!(await court.mayVote(found.id, account))) throw usage(`${account} cannot vote on case ${found.id}: it is no arbiter, has voted, is a party of the case, its vote is not open (any more), or the case is ${found.state === 'open' ? 'decided' : found.state}`, DISPUTE_USAGE);
  const finding = options.vote === 'auto' ? await look(hand, found, options) : { finding: options.vote, why: 'as told' };
  if (finding.report !== undefined) print(`${verifyTable(finding.report, process.stdout.isTTY && process.env['NO_COLOR'] === undefined)}\n`);
  print(`case ${found.id}: ${finding.finding}: ${finding.why}`);
  if (finding.finding === 'cannot tell') {
    print('no vote was cast');
    process.exitCode = 1;
    return;
  }
  const guilty = finding.finding === 'guilty';
  const slash = guilty && found.kind === 'worker' ? (options.slash ?? (await mostOf(hand, found))) : 0n;
  if (slash > 0n) print(`asks for ${formatCredits(slash)} of the stake`);
  await landed(hand, await court.vote(found.id, guilty, slash));
}

/** All that the case may still cost; a vote for guilty asks for something even where that is nothing. */
async function mostOf({ court }: CourtHand, found: CourtCase): Promise<bigint> {
  const { cap, slashed } = await court.refCap(found);
  return cap > slashed ? cap - slashed : 1n;
}

/** What this machine finds by itself. */
async function look({ caller, store, signal }: CourtHand, found: CourtCase, { url, file, model }: VoteOptions): Promise<Finding> {
  if (found.kind === 'job') return { finding: 'cannot tell', why: 'whether a result is worth its price is for people to say: look at both sides, and vote --guilty or --not-guilty' };
  if (found.kind === 'root') {
    const epoch = Number(found.ref);
    const posted = await epochOnChain(caller, store, epoch);
    if (posted === undefined) return { finding: 'cannot tell', why: `the contract has no epoch ${epoch}` };
    return findRoot(await readSource(file ?? `${url}/v1/epochs/${epoch}`, signal), posted, await epochBefore({ caller, store, signal }, url, epoch));
  }
  const text = await readSourceText(file ?? `${url}/v1/disputes/${found.evidence}/file`, signal);
  using waiting = showWaiting();
  return findWorker(found, text, judgePorts(model, (what) => waiting.say(`computing the stage again: ${what}`), signal));
}

/** The epoch that this one may not fall behind: the last one before it that stands. */
export async function epochBefore({ caller, store, signal }: Pick<CourtHand, 'caller' | 'store' | 'signal'>, url: string, epoch: number): Promise<unknown> {
  for (let before = epoch - 1; before > 0; before--) {
    if ((await epochOnChain(caller, store, before))?.state !== 'vetoed') return readSource(`${url}/v1/epochs/${before}`, signal);
  }
  return undefined;
}
