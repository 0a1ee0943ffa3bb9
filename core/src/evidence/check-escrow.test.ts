import { expect, it } from 'vitest';
import { planHashOf } from '../job/plan.ts';
import { resultRootOf } from '../settlement/escrow.ts';
import { checkEscrow } from './check-escrow.ts';
import type { JobPlan } from '../job/plan.ts';
import type { Evidence, EvidenceEscrow, EvidenceFile } from './evidence.ts';

const ESCROW = '0x7a5';
const plan = (job: string): JobPlan => ({ format: 2, job: job.repeat(32) }) as unknown as JobPlan;

/** As much of a job's evidence as this check reads. */
function jobOf(digit: string, cost: { debit: string; refunded: string }, roots: readonly (string | null)[], payer = `escrow:${ESCROW}`): Evidence {
  return { job: digit.repeat(32), plan: { signed: { plan: plan(digit) } }, stages: roots.map((root) => ({ root: root === null ? null : { root } })), ledger: { ...cost, entry: { lines: [{ account: `hold:${digit}` }, { account: payer }] } }, escrow: escrowOf({}) } as unknown as Evidence;
}

const escrowOf = (change: Partial<EvidenceEscrow>): EvidenceEscrow => ({ chain_id: '0x1', job_manager: '0x2', job: ESCROW, state: 'settled', budget: '100', deadline: 5, used: null, result_root: null, transactions: {}, ...change });

function fileOf(change: Partial<EvidenceEscrow> = {}, jobs: readonly [Evidence, Evidence] = [jobOf('a', { debit: '30', refunded: '30' }, ['0x1', null]), jobOf('b', { debit: '40', refunded: '5' }, ['0x3', '0x4'])]): EvidenceFile {
  const [first, last] = jobs;
  const roots = [['0x1', null], ['0x3', '0x4']];
  const result = resultRootOf(ESCROW, jobs.map(({ job, plan: { signed } }, index) => ({ job, planHash: planHashOf(signed.plan), roots: roots[index] ?? [] })));
  return { ...last, earlier: [first], escrow: escrowOf({ used: '35', result_root: result, ...change }) };
}

it('N6, N8: an answer that went through two jobs: one escrow, its root and its price are made again', () => {
  expect(checkEscrow(fileOf())).toEqual([{ name: 'escrow', state: 'ok', detail: 'job 0x7a5 of the contract pays 35 of 100 base units' }]);
});

it('N8: says nothing of an answer that credits pay, and that a result is not there yet', () => {
  const { escrow: _first, ...first } = jobOf('a', { debit: '1', refunded: '0' }, []);
  const { escrow: _own, ...own } = jobOf('b', { debit: '1', refunded: '0' }, []);
  expect(checkEscrow({ ...own, earlier: [first] } as EvidenceFile)).toEqual([]);
  expect(checkEscrow(fileOf({ result_root: null }))).toMatchObject([{ state: 'not checked' }]);
});

it.each<readonly [what: string, at: string, file: EvidenceFile]>([
  ['another root', 'escrow.result_root', fileOf({ result_root: '0x5' })],
  ['a unit more than was charged', 'escrow.used', fileOf({ used: '36' })],
  ['a first job that another escrow paid', 'earlier[0].escrow.job', fileOf({}, [{ ...jobOf('a', { debit: '30', refunded: '30' }, ['0x1', null]), escrow: escrowOf({ job: '0x7a6' }) }, jobOf('b', { debit: '40', refunded: '5' }, ['0x3', '0x4'])])],
  ['an entry that credits paid', 'ledger.entry.lines[1].account', fileOf({}, [jobOf('a', { debit: '30', refunded: '30' }, ['0x1', null]), jobOf('b', { debit: '40', refunded: '5' }, ['0x3', '0x4'], 'requester:ada')])],
])('N8: names %s', (_what, at, file) => {
  expect(checkEscrow(file)).toMatchObject([{ name: 'escrow', state: 'failed', wrong: { at } }]);
});
