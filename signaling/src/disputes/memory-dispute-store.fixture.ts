import { isAcquittal } from './dispute-store.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Conviction, Dispute, DisputeStatus, DisputeStore } from './dispute-store.ts';

const same = (a: Pick<Conviction, 'job' | 'stage'>, b: Pick<Conviction, 'job' | 'stage'>): boolean => a.job === b.job && a.stage === b.stage;

/** Disputes in memory; convictions are what a test says. */
export class MemoryDisputeStore implements DisputeStore {
  readonly convictions: Conviction[] = [];
  readonly disputes: Dispute[] = [];
  readonly texts = new Map<string, string>();

  async unnoted(limit: number): Promise<readonly Conviction[]> {
    return this.convictions.filter((each) => !this.disputes.some((dispute) => same(dispute, each))).slice(0, limit);
  }

  async note(dispute: Dispute, text: string | null): Promise<void> {
    if (this.disputes.some((each) => same(each, dispute))) return;
    this.disputes.push(dispute);
    if (text !== null && dispute.hash !== null) this.texts.set(dispute.hash, text);
  }

  async mark(of: Pick<Conviction, 'job' | 'stage'>, status: DisputeStatus): Promise<void> {
    const index = this.disputes.findIndex((each) => same(each, of));
    const found = this.disputes[index];
    if (found === undefined) return;
    this.disputes[index] = { ...found, ...status };
    if (status.state === 'unopened' && found.hash !== null) this.texts.delete(found.hash);
  }

  async active(): Promise<readonly Dispute[]> {
    return this.disputes.filter(({ state }) => state === 'noted' || state === 'opened' || state === 'ruled');
  }

  async list(limit: number): Promise<readonly Dispute[]> {
    return [...this.disputes].reverse().slice(0, limit);
  }

  async find(name: string): Promise<Dispute | undefined> {
    return this.disputes.find(({ hash, evidence }) => hash === name || evidence === name);
  }

  async text(hash: HexHash): Promise<string | undefined> {
    return this.texts.get(hash);
  }

  async otherConvictions(of: Conviction): Promise<number> {
    const others = this.convictions.filter((each) => each.worker === of.worker && !same(each, of));
    return others.filter((each) => !this.disputes.some((dispute) => same(dispute, each) && isAcquittal(dispute.ruling))).length;
  }
}
