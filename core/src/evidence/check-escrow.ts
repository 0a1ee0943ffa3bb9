import { planHashOf } from '../job/plan.ts';
import { resultRootOf } from '../settlement/escrow.ts';
import { checkOf, differs, notChecked, wrong } from './report.ts';
import type { Evidence, EvidenceFile } from './evidence.ts';
import type { Check, WrongElement } from './report.ts';

const NAME = 'escrow';

/** Of an answer that a contract pays for: every job of it names the same escrow, the result's root is over their roots, and what is used is what they cost (SPEC N6, N8). */
export function checkEscrow({ earlier = [], ...last }: EvidenceFile): readonly Check[] {
  const jobs: readonly Evidence[] = [...earlier, last];
  if (jobs.every(({ escrow }) => escrow === undefined)) return [];
  const { escrow } = last;
  const foreign = jobs.findIndex((each) => each.escrow?.job !== escrow?.job);
  if (escrow === undefined || foreign >= 0) return [checkOf(NAME, wrong(at(jobs, foreign, 'escrow.job'), escrow?.job ?? 'an escrow', jobs[foreign]?.escrow?.job ?? 'none', 'one escrow pays for all of an answer'), '')];
  const payer = payerOf(jobs, escrow.job);
  if (payer !== undefined) return [checkOf(NAME, payer, '')];
  if (escrow.result_root === null || escrow.used === null) return [notChecked(NAME, 'its result is not submitted yet; ask for the evidence again')];
  const root = resultRootOf(escrow.job, jobs.map(({ job, plan, stages }) => ({ job, planHash: planHashOf(plan.signed.plan), roots: stages.map((stage) => stage.root?.root ?? null) })));
  const used = jobs.reduce((sum, { ledger }) => sum + BigInt(ledger.debit) - BigInt(ledger.refunded), 0n);
  const element = differs('escrow.result_root', root, escrow.result_root, 'hash over the roots of every job of the answer') ?? differs('escrow.used', String(used), escrow.used, 'what the jobs of the answer cost, less what was paid back');
  return [checkOf(NAME, element, `job ${escrow.job} of the contract pays ${escrow.used} of ${escrow.budget} base units`)];
}

/** Who pays stands in the ledger's entries where anything was left of a hold. */
function payerOf(jobs: readonly Evidence[], escrow: string): WrongElement | undefined {
  for (const [index, { ledger }] of jobs.entries()) {
    const line = ledger.entry.lines.findIndex(({ account }) => account.startsWith('requester:') || (account.startsWith('escrow:') && account !== `escrow:${escrow}`));
    if (line >= 0) return wrong(at(jobs, index, `ledger.entry.lines[${line}].account`), `escrow:${escrow}`, ledger.entry.lines[line]?.account, 'the account that pays');
  }
  return undefined;
}

const at = (jobs: readonly Evidence[], index: number, path: string): string => (index === jobs.length - 1 ? path : `earlier[${index}].${path}`);
