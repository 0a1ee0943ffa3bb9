import { evidenceOf } from './evidence.ts';
import { prefixJobs } from './prefix-jobs.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EvidenceSources, JobEscrow } from './evidence.ts';
import type { JobArchive, JobFailure } from './job-archive.ts';

/** What may be said of a job now. */
export type EvidenceAnswer =
  | { readonly state: 'unknown' }
  | { readonly state: 'running' }
  | { readonly state: 'failed'; readonly failure: JobFailure }
  | { readonly state: 'recorded'; readonly evidence: Evidence };

/** Port: what the audits left behind. Pieces are deleted after the retention time; draws and transcripts stay. */
export interface AuditRecords {
  drawOf(job: string): Promise<AuditDraw | undefined>;
  transcriptsOf(job: string): Promise<readonly Transcript[]>;
  pieces(job: string): Promise<ReadonlyMap<HexHash, Uint8Array>>;
}

export interface EvidenceDeskDependencies {
  readonly archive: Pick<JobArchive, 'find' | 'correctionOf' | 'continuationOf'>;
  readonly ledger: Pick<Ledger, 'jobAccount'>;
  readonly audits: AuditRecords;
  readonly coordinatorPublicKey: string;
  /** The model of a job, served still or not. */
  readonly modelOf: (id: string) => Pick<EvidenceSources, 'manifest' | 'template'> | undefined;
  /** The escrow that pays for a job, if one does (SPEC N8). */
  readonly escrowBehind?: (job: string) => Promise<JobEscrow | undefined>;
  /** Stark keys of these nodes, as far as they are on record. */
  readonly identityKeys: (nodes: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

/** Hands out the evidence of a job, to the account that paid for it and to nobody else. */
export class EvidenceDesk {
  readonly #dependencies: EvidenceDeskDependencies;

  constructor(dependencies: EvidenceDeskDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * A job of another account is `unknown`, as one that never was: ids tell nothing. `running` until it is charged.
   * `pieces`: with what the audits looked at, as far as it is not deleted yet.
   */
  async find(job: string, account: string, options: { readonly pieces?: boolean } = {}): Promise<EvidenceAnswer> {
    const { archive, ledger, audits, modelOf, escrowBehind, identityKeys, coordinatorPublicKey } = this.#dependencies;
    const archived = await archive.find(job);
    if (archived === undefined || archived.account !== account) return { state: 'unknown' };
    if (archived.state === 'failed') return { state: 'failed', failure: archived.failure };
    if (archived.state === 'running') return { state: 'running' };
    const jobAccount = await ledger.jobAccount(job);
    const model = modelOf(archived.modelId);
    if (jobAccount === undefined) return { state: 'running' };
    if (model === undefined) return { state: 'failed', failure: { code: 'model_not_found', message: `model ${archived.modelId} is not served any more; serve it again to read this evidence` } };
    const sources: EvidenceSources = {
      manifest: model.manifest,
      template: model.template,
      coordinatorPublicKey,
      identityKeys: await identityKeys(archived.record.stages.map(({ worker }) => worker)),
      correctedBy: (await archive.correctionOf(job)) ?? null,
      continuedBy: (await archive.continuationOf(job)) ?? null,
      draw: (await audits.drawOf(job)) ?? null,
      audits: await audits.transcriptsOf(job),
      prefix: await prefixJobs(archived.record.signed.plan, archive),
      pieces: options.pieces === true ? await audits.pieces(job) : null,
      escrow: await escrowBehind?.(job),
    };
    return { state: 'recorded', evidence: evidenceOf(archived, jobAccount, sources) };
  }
}
