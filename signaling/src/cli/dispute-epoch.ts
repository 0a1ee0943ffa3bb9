import { evidenceFelt, textHash } from '@ciro/core/dispute/case-file.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { epochOnChain } from '../chain/epoch-on-chain.ts';
import { findRoot } from '../disputes/arbiter.ts';
import { openCase } from './court-moves.ts';
import { DISPUTE_USAGE } from './dispute-options.ts';
import { describeCase } from './dispute-table.ts';
import { epochBefore } from './dispute-vote.ts';
import { usage } from './job-options.ts';
import { readSource } from './read-source.ts';
import { verifyTable } from './verify-table.ts';
import type { Charge } from '../disputes/court-port.ts';
import type { CourtHand } from './court-moves.ts';
import type { DisputeOptions } from './dispute-options.ts';

/** Computes an epoch again, and disputes it if it is wrong (SPEC Q5). Exit 1 where nothing was disputed. */
export async function disputeEpoch(hand: CourtHand, { url, epoch, force }: Extract<DisputeOptions, { do: 'root' }>): Promise<void> {
  const { court, caller, store, signal, print } = hand;
  const posted = await epochOnChain(caller, store, epoch);
  if (posted === undefined) throw usage(`the settlement contract has no epoch ${epoch}`, DISPUTE_USAGE);
  const finding = findRoot(await readSource(`${url}/v1/epochs/${epoch}`, signal), posted, await epochBefore(hand, url, epoch));
  if (finding.report !== undefined) print(`${verifyTable(finding.report, process.stdout.isTTY && process.env['NO_COLOR'] === undefined)}\n`);
  print(`epoch ${epoch}, ${posted.state} on the chain: ${finding.finding === 'guilty' ? 'wrong' : finding.finding === 'not guilty' ? 'right' : 'cannot be told'}: ${finding.why}`);
  if (posted.state !== 'pending') {
    print(`an epoch that is ${posted.state} cannot be disputed: only one inside its challenge window can`);
    process.exitCode = 1;
    return;
  }
  if (finding.finding !== 'guilty') {
    const { bond } = await court.settings();
    if (!force) {
      print(`nothing was disputed. --force does it all the same: arbiters who find what was found here leave your bond of ${formatCredits(bond)} to the treasury.`);
      process.exitCode = 1;
      return;
    }
    print(`disputing it all the same: the bond of ${formatCredits(bond)} is lost when the arbiters find what was found here.`);
  }
  const said = JSON.stringify({ format: 'ciro/root-dispute/1', epoch, posted: { ...posted, total: String(posted.total) }, finding: finding.finding, why: finding.why });
  const charge: Charge = { kind: 'root', accused: '0x0', ref: `0x${epoch.toString(16)}`, evidence: evidenceFelt(textHash(said)) };
  print(`evidence: ${said}`);
  print(await describeCase(court, await openCase(hand, charge)));
}
