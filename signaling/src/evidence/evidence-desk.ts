import { evidenceOf } from './evidence.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Evidence, EvidenceSources } from './evidence.ts';
import type { JobArchive, JobFailure } from './job-archive.ts';

/** What may be said of a job now. */
export type EvidenceAnswer =
  | { readonly state: 'unknown' }
  | { readonly state: 'running' }
  | { readonly state: 'failed'; readonly failure: JobFailure }
  | { readonly state: 'recorded'; readonly evidence: Evidence };

export interface EvidenceDeskDependencies {
  readonly archive: JobArchive;
  readonly ledger: Ledger;
  readonly coordinatorPublicKey: string;
  /** The model of a job, served still or not. */
  readonly modelOf: (id: string) => EvidenceSources['model'] | undefined;
  /** Stark keys of these nodes, as far as they are on record. */
  readonly identityKeys: (nodes: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

/** Hands out the evidence of a job, to the account that paid for it and to nobody else. */
export class EvidenceDesk {
  readonly #dependencies: EvidenceDeskDependencies;

  constructor(dependencies: EvidenceDeskDependencies) {
    this.#dependencies = dependencies;
  }

  /** A job of another account is `unknown`, as one that never was: ids tell nothing. `running` until it is charged. */
  async find(job: string, account: string): Promise<EvidenceAnswer> {
    const { archive, ledger, modelOf, identityKeys, coordinatorPublicKey } = this.#dependencies;
    const archived = await archive.find(job);
    if (archived === undefined || archived.account !== account) return { state: 'unknown' };
    if (archived.state === 'failed') return { state: 'failed', failure: archived.failure };
    if (archived.state === 'running') return { state: 'running' };
    const jobAccount = await ledger.jobAccount(job);
    const model = modelOf(archived.modelId);
    if (jobAccount === undefined) return { state: 'running' };
    if (model === undefined) return { state: 'failed', failure: { code: 'model_not_found', message: `model ${archived.modelId} is not served any more; serve it again to read this evidence` } };
    const keys = await identityKeys(archived.record.stages.map(({ worker }) => worker));
    return { state: 'recorded', evidence: evidenceOf(archived, jobAccount, { model, coordinatorPublicKey, identityKeys: keys }) };
  }
}
