import { LedgerError, sealEntry } from '../ledger/entry.ts';
import { charge, price } from '../pricing/price.ts';
import { checkOf, differs, wrong } from './report.ts';
import type { AccountName, LedgerLine } from '../ledger/entry.ts';
import type { Charge, Rates } from '../pricing/price.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

const ratesOf = ({ plan: { quote } }: JobFacts): Rates => ({ promptToken: BigInt(quote.promptToken), generatedToken: BigInt(quote.generatedToken), feeBasisPoints: BigInt(quote.feeBasisPoints) });

/** Price of the job at the rates of its signed quote, split over the stages by what they are paid for (SPEC M2, M3). */
function chargeOf(facts: JobFacts): Charge {
  const { evidence } = facts;
  const work = evidence.stages.map(({ worker, layers: [from, to], paid_positions: positions }) => ({ worker, layers: to - from, positions }));
  return charge(ratesOf(facts), evidence.prompt_ids.length, evidence.token_ids.length, work);
}

/** What was held, charged and credited follows from the signed quote. */
export function checkPrice(facts: JobFacts): Check {
  const { plan, evidence } = facts;
  const { ledger, stages } = evidence;
  const due = chargeOf(facts);
  const element = ((): WrongElement | undefined => {
    const hold = String(price(ratesOf(facts), plan.promptTokens, plan.maxTokens));
    const sums =
      differs('plan.signed.plan.quote.hold', hold, plan.quote.hold, 'price of the prompt and of max_tokens') ??
      differs('ledger.held', plan.quote.hold, ledger.held, 'hold in the signed quote') ??
      differs('ledger.debit', String(due.debit), ledger.debit, 'price of the prompt and of the answer') ??
      differs('ledger.fee', String(due.fee), ledger.fee, 'fee of the signed quote, with what division leaves over') ??
      refundOf(facts) ??
      differs('ledger.credits', stages.length, ledger.credits.length, 'one credit a stage');
    if (sums !== undefined) return sums;
    for (const [index, credit] of ledger.credits.entries()) {
      const at = `ledger.credits[${index}]`;
      const found =
        differs(`${at}.worker`, stages[index]?.worker ?? 'none', credit.worker, 'worker of the stage') ??
        differs(`${at}.amount`, String(due.credits[index]?.amount ?? 0n), credit.amount, 'layers times paid positions of the stage, of the debit less the fee') ??
        statusOf(facts, index, credit.status, `${at}.status`);
      if (found !== undefined) return found;
    }
    return undefined;
  })();
  return checkOf('price', element, `debit ${ledger.debit} = fee ${ledger.fee} + credits of ${ledger.credits.length} stages`);
}

/**
 * A credit is void only after its stage failed or came to nothing, and never payable then (SPEC M7). Booking may lag behind the
 * audit, and a coordinator that started again pays what it could not audit any more.
 */
function statusOf({ evidence }: JobFacts, stage: number, status: 'pending' | 'payable' | 'void', at: string): WrongElement | undefined {
  const audit = evidence.stages[stage]?.audit_status ?? 'pending';
  const lost = audit === 'failed' || audit === 'unpaid';
  if (status === 'payable' && lost) return wrong(at, 'pending or void', status, `the stage is ${audit}`);
  if (status === 'void' && !lost) return wrong(at, 'pending or payable', status, `the stage is ${audit}`);
  return undefined;
}

/** Credits that are void go back, and all of it once a stage has failed and was booked so, or the answer could not stand or go on (SPEC M7, M9). */
function refundOf({ evidence: { ledger, stages, finish_reason: reason } }: JobFacts): WrongElement | undefined {
  const { debit, refunded } = ledger;
  if (BigInt(refunded) > BigInt(debit)) return wrong('ledger.refunded', `at most ${debit}`, refunded, 'no more than was paid goes back');
  const convicted = stages.some(({ audit_status: status }, index) => status === 'failed' && ledger.credits[index]?.status === 'void');
  if (convicted) return differs('ledger.refunded', debit, refunded, 'a stage failed, so the whole debit goes back');
  const fine = reason !== 'moved' && stages.every(({ audit_status: status }) => status === 'passed' || status === 'passed by');
  if (!fine && refunded === debit) return undefined;
  const voided = ledger.credits.reduce((sum, { status, amount }) => (status === 'void' ? sum + BigInt(amount) : sum), 0n);
  return differs('ledger.refunded', String(voided), refunded, 'credits that are void');
}

/** The entry in the ledger books exactly this, and its hash covers it and the hash before it (SPEC M4). */
export function checkEntry({ evidence, plan }: JobFacts): Check {
  const { ledger, job } = evidence;
  const { entry } = ledger;
  const element = ((): WrongElement | undefined => {
    const kind = differs('ledger.entry.kind', 'charge', entry.kind, 'a charge') ?? differs('ledger.entry.key', `close:${job}`, entry.key, 'cause of the entry');
    if (kind !== undefined) return kind;
    const due = new Map<string, bigint>([[`hold:${job}`, -BigInt(ledger.held)], ['fee', BigInt(ledger.fee)]]);
    for (const { worker, amount } of ledger.credits) due.set(`worker:${worker}:pending`, BigInt(amount));
    const lines: LedgerLine[] = [];
    /** What is left of a fee or of what goes back, where both purses have a part of it (SPEC M11). */
    const booked = new Map<string, bigint>();
    for (const [index, line] of entry.lines.entries()) {
      const at = `ledger.entry.lines[${index}]`;
      const account = accountOf(line.account);
      if (account === undefined) return wrong(`${at}.account`, [...due.keys(), 'requester:ID', 'escrow:JOB'].join(', '), line.account, 'accounts of this job');
      const name = account.replace(/:paid$/, '');
      const amount = name.startsWith('requester:') || name.startsWith('escrow:') ? BigInt(ledger.held) - BigInt(ledger.debit) : due.get(name);
      if (amount === undefined || lines.some((each) => each.account === account)) return wrong(`${at}.account`, [...due.keys(), 'requester:ID'].join(', '), line.account, 'accounts of this job, each once');
      const sum = (booked.get(name) ?? 0n) + BigInt(line.amount);
      booked.set(name, sum);
      lines.push({ account, amount: BigInt(line.amount) });
      if (entry.lines.slice(index + 1).some((later) => later.account === `${name}:paid`)) continue;
      const same = differs(`${at}.amount`, String(amount), String(sum), `what ${account} gets by the ledger part of the evidence`);
      if (same !== undefined) return same;
      due.delete(name);
    }
    const missing = [...due].find(([, amount]) => amount !== 0n);
    if (missing !== undefined) return wrong('ledger.entry.lines', `a line of ${missing[1]} for ${missing[0]}`, 'none', 'the entry books all of it');
    return sealed({ kind: 'charge', key: entry.key, job: plan.job, at: entry.at, lines }, entry);
  })();
  return checkOf('ledger entry', element, `entry ${entry.sequence} follows ${entry.previous.slice(0, 12)}… with hash ${entry.hash.slice(0, 12)}…`);
}

function sealed(draft: Parameters<typeof sealEntry>[0], { sequence, previous, hash }: { readonly sequence: number; readonly previous: string; readonly hash: string }): WrongElement | undefined {
  try {
    return differs('ledger.entry.hash', sealEntry(draft, sequence, previous).hash, hash, 'hash of the entry');
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return wrong('ledger.entry.lines', 'lines that sum to zero', error.message, 'sum of the entry');
  }
}

/** The accounts that a charge moves between, as far as the text is one of them. */
function accountOf(text: string): AccountName | undefined {
  if (text === 'fee' || text === 'fee:paid') return text;
  if (/^escrow:0x[1-9a-f][0-9a-f]{0,62}$/.test(text)) return text as AccountName;
  const [, kind, id, paid = ''] = /^(hold|requester|worker):([0-9a-f]{1,64})(?::pending|(:paid))?$/.exec(text) ?? [];
  if (id === undefined) return undefined;
  const name: AccountName = kind === 'hold' ? `hold:${id}` : kind === 'requester' ? `requester:${id}${paid}` : `worker:${id}:pending`;
  return name === text ? name : undefined;
}
