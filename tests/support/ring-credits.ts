import { planHashOf } from '@ciro/core/job/plan.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { buildRecord } from '@ciro/signaling/scheduler/job-record.ts';
import { JobEvidence } from '@ciro/signaling/scheduler/job-evidence.ts';
import { CreditBook } from '@ciro/web/audit/credit-book.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Alarm, CreditMessage } from '@ciro/web/audit/alarm.ts';
import type { RingJob, StageRing } from './stage-ring.ts';

/** Places where the coordinator may lie about what it owes. Each is given what is honest and gives what is told instead. */
export interface CreditLies {
  /** False where the coordinator says that it never saw this unit acknowledged. */
  readonly sees?: (stage: number, unit: number) => boolean;
  readonly credit?: (credit: CreditMessage, stage: number) => CreditMessage;
}

/** Gives every worker of a ring the book that a tab keeps of its credits; what they raise is collected. */
export function watchCredits(ring: StageRing): { readonly books: readonly CreditBook[]; readonly alarms: Alarm[] } {
  const alarms: Alarm[] = [];
  const books = ring.workers.map(({ ports }) => {
    const book = new CreditBook((alarm) => alarms.push(alarm));
    Object.assign(ports.credit, { planned: book.planned.bind(book), committed: book.committed.bind(book), acknowledged: book.acknowledged.bind(book), finished: book.finished.bind(book) });
    return book;
  });
  return { books, alarms };
}

/** What the real coordinator credits each stage of a job that the ring has run, from the messages that the stages sent. */
export async function creditsOf(ring: StageRing, job: RingJob, { sees = () => true, credit = (honest) => honest }: CreditLies = {}): Promise<CreditMessage[]> {
  const { plan } = job.signed;
  const planHash = planHashOf(plan);
  const evidence = new JobEvidence(plan, planHash);
  for (const stage of ring.workers.keys()) {
    const before = (stage + ring.workers.length - 1) % ring.workers.length;
    for (const message of ring.sent(stage, 'unit', job)) evidence.unit(stage, message);
    const seen = new Set([...(evidence.stages[before]?.units ?? [])].filter(([unit]) => sees(before, unit)).map(([, { hash }]) => hash));
    for (const { acknowledgement } of ring.sent(stage, 'acknowledge', job)) if (stage === 0 || seen.has(acknowledgement.receiptHash)) evidence.acknowledge(stage, acknowledgement);
    for (const message of ring.sent(stage, 'root', job)) evidence.root(stage, message);
  }
  const promptIds = new Uint32Array(Uint8Array.from(job.promptIds).buffer);
  const key = { publicKey: ring.workers[0]?.identity.coordinatorPublicKey ?? '', sign: (bytes: Uint8Array) => ring.sign(bytes), exportJwk: async () => ({}) };
  const identities = ring.workers.map(({ node, devicePublicKey }) => ({ nodeId: node, devicePublicKey, identityPublicKey: '0x1', agent: 'ring' }));
  const { record } = await buildRecord(
    { signed: job.signed, planHash, coordinatorNonce: '', promptIds, generated: job.ids, surplus: job.surplus, acceptedTo: job.acceptedTo ?? 0, finish: 'length', pace: { ttftMs: 0, tokensPerSecond: 0 }, evidence, workers: identities, links: [] },
    key,
  );
  const rates = { promptToken: BigInt(plan.quote.promptToken), generatedToken: BigInt(plan.quote.generatedToken), feeBasisPoints: BigInt(plan.quote.feeBasisPoints) };
  const due = charge(rates, record.promptIds.length, record.tokenIds.length, record.stages.map(({ worker, layers: [from, to], paidPositions }) => ({ worker, layers: to - from, positions: paidPositions })));
  return record.stages.map(({ paidPositions }, stage) => {
    const amount = String(due.credits[stage]?.amount ?? 0n);
    return credit({ type: 'credit', job: plan.job, amount, status: 'pending', pendingTotal: amount, payableTotal: '0', withheldTotal: '0', paidPositions, generatedTokens: record.tokenIds.length, entry: { sequence: 7, hash: 'a'.repeat(64) as HexHash } }, stage);
  });
}

/** Tells every worker its credit, and waits for the acknowledgements that are still under way. */
export async function tellCredits(ring: StageRing, books: readonly CreditBook[], credits: readonly CreditMessage[]): Promise<void> {
  await ring.settled();
  for (const [stage, credit] of credits.entries()) books[stage]?.credited(credit);
}

