import { reusedPositions } from '@ciro/core/job/plan.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { evidenceOf } from '@ciro/signaling/evidence/evidence.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { MemoryLedgerStore } from '@ciro/signaling/ledger/memory-ledger-store.fixture.ts';
import { toyJob } from './toy-answer.ts';
import { toyAudit } from './toy-audit.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { JobRecord } from '@ciro/signaling/scheduler/job-order.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ToyJob, ToyLies, ToyQuestion } from './toy-answer.ts';
import type { ToyNetwork } from './toy-network.ts';

export interface ToyEvidence {
  readonly file: EvidenceFile;
  readonly job: ToyJob;
}

/** How much is audited, and what of it is in the evidence. */
export interface ToyAuditing {
  /** Chance of a stage; 1 audits every unit. */
  readonly rate?: number;
  readonly pieces?: boolean;
  /** Before the draw. */
  readonly undrawn?: boolean;
  /** Jobs that this one does again, and that does this one again. */
  readonly corrects?: JobId;
  readonly correctedBy?: JobId;
  /** Jobs that this one goes on from, and that goes on from this one. */
  readonly continues?: JobId;
  readonly continuedBy?: JobId;
  /** Records of the jobs that its prefix stands on, the newest first. */
  readonly prefix?: readonly JobRecord[];
}

/** A question answered, booked, audited, and its evidence as `npm run job -- --json FILE` writes it. Everything in it is made by the real rooms. */
export async function toyEvidence(network: ToyNetwork, question: ToyQuestion, auditing: ToyAuditing = {}, lies: ToyLies = {}): Promise<ToyEvidence> {
  const job = await toyJob(network, question, lies);
  const { record, text, request } = job;
  const { plan } = record.signed;
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  await ledger.start();
  await ledger.openTrial('ada0');
  await ledger.hold(plan.job, 'ada0', BigInt(plan.quote.hold));
  const rates = { promptToken: BigInt(plan.quote.promptToken), generatedToken: BigInt(plan.quote.generatedToken), feeBasisPoints: BigInt(plan.quote.feeBasisPoints) };
  const work = record.stages.map(({ worker, layers: [from, to], paidPositions }) => ({ worker, layers: to - from, positions: paidPositions }));
  await ledger.settle(plan.job, charge(rates, record.promptIds.length - reusedPositions(plan), record.tokenIds.length, work));
  const audit = auditing.undrawn === true ? undefined : await toyAudit(network, job, auditing.rate ?? 1);
  const convicted = (audit?.audits ?? []).filter(({ outcome }) => outcome === 'failed').map(({ worker }) => worker);
  if (convicted.length > 0) await ledger.failed(plan.job, convicted);
  for (const [stage, { worker, units }] of record.stages.entries()) {
    if (audit === undefined || convicted.includes(worker)) continue;
    const unpaid = units.length === 0 || audit.audits.some((each) => each.stage === stage && each.outcome === 'unpaid');
    await (unpaid ? ledger.unpaid(plan.job, worker) : ledger.payable(plan.job, worker, 5_000n));
  }
  const account = await ledger.jobAccount(plan.job);
  if (account === undefined) throw new Error(`job ${plan.job} has no account`);
  const evidence = evidenceOf({ state: 'recorded', job: plan.job, account: 'ada0', modelId: plan.modelId, createdAt: 900, assurance: question.assurance ?? 'stream', corrects: auditing.corrects ?? null, continues: auditing.continues ?? null, decided: true, record, text }, account, {
    manifest: network.manifest,
    template: network.template,
    coordinatorPublicKey: network.key.publicKey,
    identityKeys: new Map(network.workers.map(({ node, identityPublicKey }) => [node as string, identityPublicKey])),
    correctedBy: auditing.correctedBy ?? null,
    continuedBy: auditing.continuedBy ?? null,
    draw: audit?.draw ?? null,
    audits: audit?.audits ?? [],
    prefix: auditing.prefix ?? [],
    pieces: auditing.pieces === false ? null : (audit?.pieces ?? new Map()),
  });
  // As it comes through the API: what JSON cannot hold would be lost here.
  return { job, file: JSON.parse(JSON.stringify({ ...evidence, request, answer_text: text, timings: { install_ms: 0 } })) as EvidenceFile };
}
