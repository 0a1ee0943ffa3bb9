import { caseFileOf, caseText, chargeOf, textHash } from '@ciro/core/dispute/case-file.ts';
import { DisputeError } from './dispute-error.ts';
import { isAcquittal } from './dispute-store.ts';
import type { NoCaseFile } from '@ciro/core/dispute/case-file.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Charge, CourtCase, CourtPort, Ruling } from './court-port.ts';
import type { Conviction, Dispute, DisputeStatus, DisputeStore } from './dispute-store.ts';
import type { PoolPort } from './pool-port.ts';

/** Between two looks at court and convictions: a block of Starknet takes some seconds, a window of the court hours. */
export const DISPUTE_LOOK_EVERY_MS = 15_000;
/** Convictions that are noted in one look: each makes a file of some megabytes. */
const NOTED_AT_A_TIME = 8;
/** Of one case file: rows of 4,096 positions of 1,024 channels from a stage and two auditors, in base64. A larger one would fill the memory of whoever looks at it. */
const MAX_CASE_CHARACTERS = 2 ** 27;
/** Seconds after the vote window from which the court lets a case be closed that it cannot carry out (contracts/SPEC.md D8). */
const STUCK_AFTER_S = 30 * 86_400;

export type DisputeEvent = { readonly type: 'noted' | 'unopened' | 'sent' | 'opened' | 'finalising' | 'guilty' | 'acquitted' | 'lapsed'; readonly dispute: Dispute };

export interface DisputesDeps {
  readonly clock: Clock;
  readonly court: CourtPort;
  readonly pool: Pick<PoolPort, 'tierOf' | 'atRisk'>;
  readonly store: DisputeStore;
  /** Evidence of a recorded and settled job with its pieces; why there will never be any; undefined while there may be. */
  readonly evidenceOf: (job: JobId) => Promise<Evidence | NoCaseFile | undefined>;
  /** What a worker lost by a conviction that does not stand goes back to it, once (SPEC Q4). */
  readonly restored: (job: JobId, worker: NodeId) => Promise<void>;
  /** The audit that convicted it counts no more, once for this name; it stays demoted while others convict it (SPEC Q4). */
  readonly acquitted: (worker: NodeId, name: string, staysDemoted: boolean) => Promise<void>;
  readonly onEvent: (event: DisputeEvent) => void;
  /** Hears of what failed; the next look tries it again. */
  readonly onError: (error: unknown) => void;
}

export interface DisputesOptions {
  readonly lookEveryMs?: number;
  /** A ruling counts when its block lies under so many others. */
  readonly confirmations: number;
  /** The first look waits for it: a chain whose contracts are still being deployed. What it rejects with is told, and nothing is disputed then. */
  readonly ready?: Promise<unknown>;
}

/**
 * Brings convictions before the court and their outcome back (SPEC Q3, Q4). What it knows is in the store and on the chain: it may end
 * between any two calls and begin again.
 */
export class Disputes {
  readonly #deps: DisputesDeps;
  readonly #options: DisputesOptions;
  #look: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(deps: DisputesDeps, options: DisputesOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Looks once the chain is ready, and again and again. */
  start(): void {
    const { ready = Promise.resolve() } = this.#options;
    ready.then(() => this.#lookAgain()).catch(this.#deps.onError);
  }

  #lookAgain(): void {
    if (this.#closed) return;
    this.#look = this.step().finally(() => {
      if (!this.#closed) this.#cancel = this.#deps.clock.after(this.#options.lookEveryMs ?? DISPUTE_LOOK_EVERY_MS, () => this.#lookAgain());
    });
  }

  /** Looks no more; resolves when the look under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#look;
  }

  /** One look. What fails about one dispute is told, and keeps no other from going on. */
  async step(): Promise<void> {
    const { store } = this.#deps;
    await this.#try(async () => {
      for (const conviction of await store.unnoted(NOTED_AT_A_TIME)) await this.#try(() => this.#note(conviction));
    });
    await this.#try(async () => {
      for (const dispute of await store.active()) await this.#try(() => this.#goOn(dispute));
    });
  }

  /** Newest first. */
  list(limit: number): Promise<readonly Dispute[]> {
    return this.#deps.store.list(limit);
  }

  /** By the name of the case file, or by that as the court keeps it. */
  find(name: string): Promise<Dispute | undefined> {
    return this.#deps.store.find(name);
  }

  /** The case file, canonical. */
  text(hash: HexHash): Promise<string | undefined> {
    return this.#deps.store.text(hash);
  }

  async #try(part: () => Promise<void>): Promise<void> {
    if (this.#closed) return;
    try {
      await part();
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  async #note(conviction: Conviction): Promise<void> {
    const { store, clock, evidenceOf } = this.#deps;
    const evidence = await evidenceOf(conviction.job);
    if (evidence === undefined) return;
    const file = 'why' in evidence ? evidence : caseFileOf(evidence, conviction.stage);
    const { job, stage, worker } = conviction;
    const made = { job, stage, worker, notedAt: Math.floor(clock.now()), fromBlock: null, transaction: null, caseId: null, ruling: null };
    const unopened = async (why: string): Promise<void> => {
      const dispute: Dispute = { ...made, state: 'unopened', note: why, hash: null, accused: null, ref: null, evidence: null };
      await store.note(dispute, null);
      this.#deps.onEvent({ type: 'unopened', dispute });
    };
    if ('why' in file) return unopened(file.why);
    const text = caseText(file);
    if (text.length > MAX_CASE_CHARACTERS) return unopened(`its case file would have ${text.length} characters; at most ${MAX_CASE_CHARACTERS} are kept`);
    const hash = textHash(text);
    const dispute: Dispute = { ...made, state: 'noted', note: '', hash, ...chargeOf(file, hash) };
    await store.note(dispute, text);
    this.#deps.onEvent({ type: 'noted', dispute });
  }

  async #goOn(dispute: Dispute): Promise<void> {
    if (dispute.state === 'noted') return this.#open(dispute);
    if (dispute.state === 'opened') return this.#follow(dispute);
    return this.#conclude(dispute);
  }

  async #open(dispute: Dispute): Promise<void> {
    const { court, pool } = this.#deps;
    const { accused, ref, evidence, transaction } = dispute;
    if (accused === null || ref === null || evidence === null || court.account === null) return;
    const charge: Charge = { kind: 'worker', accused, ref, evidence };
    const { number } = await court.head();
    // A devnet that began anew is shorter than what was sent to it before.
    const fromBlock = dispute.fromBlock !== null && dispute.fromBlock <= number ? dispute.fromBlock : null;
    if (fromBlock !== null) {
      const [own] = await court.openedBy(court.account, charge, fromBlock);
      if (own !== undefined) return this.#mark(dispute, { state: 'opened', caseId: own, note: '' }, 'opened');
    }
    if (transaction !== null) {
      const sent = await court.transaction(transaction);
      if (sent.state === 'waiting' || sent.state === 'succeeded') return; // its event comes with its block
      if (sent.state === 'reverted') this.#deps.onError(new DisputeError('refused', `opening a case about job ${dispute.job} was refused: ${sent.reason}; it is tried again`, { fault: 'platform', fields: { transaction } }));
    }
    if ((await pool.tierOf(accused)) === 'unknown' || (await pool.atRisk(accused)) === 0n) return this.#mark(dispute, { state: 'unopened', note: 'the worker has nothing at stake on the chain' }, 'unopened');
    // From here on a restart asks the chain what became of it.
    const from = fromBlock ?? number;
    if (fromBlock === null) await this.#mark(dispute, { fromBlock: from });
    const sent = await court.open(charge);
    await this.#mark(dispute, { fromBlock: from, transaction: sent, note: '' }, 'sent');
  }

  async #follow(dispute: Dispute): Promise<void> {
    const { court } = this.#deps;
    const { caseId, fromBlock } = dispute;
    if (caseId === null || fromBlock === null) return;
    const found = await court.find(caseId);
    if (found === undefined || found.evidence !== dispute.evidence || found.challenger !== court.account) {
      return this.#mark(dispute, { state: 'noted', fromBlock: null, caseId: null, transaction: null, note: 'the chain took its case back' });
    }
    if (found.state === 'open') return this.#finalise(dispute, found);
    const ruling = await court.ruling(caseId, fromBlock);
    if (ruling === undefined || (await court.head()).number < ruling.block + this.#options.confirmations) return;
    const ruled = { state: 'ruled', ruling, transaction: ruling.transaction, note: noteOf(ruling) } as const;
    await this.#mark(dispute, ruled);
    await this.#conclude({ ...dispute, ...ruled });
  }

  async #finalise(dispute: Dispute, { id, guiltyVotes, notGuiltyVotes, voteUntil }: CourtCase): Promise<void> {
    const { court } = this.#deps;
    const [{ quorum }, { time }] = [await court.settings(), await court.head()];
    if (guiltyVotes < quorum && notGuiltyVotes < quorum && time < voteUntil) return;
    // The last one sent about an open case is the one that opened it, or one that was to end it.
    if (dispute.transaction !== null && (await court.transaction(dispute.transaction)).state === 'waiting') return;
    const transaction = time >= voteUntil + STUCK_AFTER_S ? await court.closeStuck(id) : await court.finalise(id);
    await this.#mark(dispute, { transaction }, 'finalising');
  }

  async #conclude(dispute: Dispute): Promise<void> {
    const { store, restored, acquitted } = this.#deps;
    const { job, stage, worker, ruling } = dispute;
    if (ruling === null) return;
    if (isAcquittal(ruling)) {
      await restored(job, worker);
      await acquitted(worker, `${job}:${stage}`, (await store.otherConvictions({ job, stage, worker })) > 0);
    }
    await this.#mark(dispute, { state: 'closed' }, ruling.guilty ? 'guilty' : ruling.byTimeout ? 'lapsed' : 'acquitted');
  }

  /** Changes what is named of a dispute's status, and tells what happened. */
  async #mark(dispute: Dispute, change: Partial<DisputeStatus>, type?: DisputeEvent['type']): Promise<void> {
    const { state, note, fromBlock, transaction, caseId, ruling } = dispute;
    const status = { state, note, fromBlock, transaction, caseId, ruling, ...change };
    await this.#deps.store.mark(dispute, status);
    if (type !== undefined) this.#deps.onEvent({ type, dispute: { ...dispute, ...status } });
  }
}

function noteOf({ guilty, byTimeout, slashed }: Ruling): string {
  if (guilty) return `guilty: ${slashed} base units of the stake token were slashed`;
  return byTimeout ? 'not guilty, because the time ran out: the audits\' quorum stands' : 'not guilty by vote: the worker has back what it lost';
}
