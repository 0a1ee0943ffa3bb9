import type { NodeId } from '@ciro/core/ids.ts';
import { newStanding } from './standing-store.ts';
import type { StandingChange, StandingStore, StoredStanding } from './standing-store.ts';

/** Standings in memory, for tests; `failing` makes every call fail. */
export class MemoryStandingStore implements StandingStore {
  readonly standings = new Map<NodeId, StoredStanding>();
  readonly #acquitted = new Set<string>();
  failing = false;

  async change(node: NodeId, change: StandingChange, at: number): Promise<StoredStanding> {
    if (this.failing) throw new Error('no disk');
    const before = this.standings.get(node) ?? newStanding(at);
    const after = {
      passed: before.passed + (change.passed ?? 0),
      successfulAudits: before.successfulAudits + (change.successfulAudits ?? 0),
      failedAudits: before.failedAudits + (change.failedAudits ?? 0),
      suspicion: change.suspicion ?? before.suspicion,
      demotedAt: before.demotedAt ?? change.demotedAt ?? null,
      firstSeen: Math.min(before.firstSeen, at),
    };
    this.standings.set(node, after);
    return after;
  }

  async acquit(node: NodeId, name: string, staysDemoted: boolean, at: number): Promise<StoredStanding> {
    if (this.failing) throw new Error('no disk');
    const before = this.standings.get(node) ?? newStanding(at);
    if (this.#acquitted.has(name)) return before;
    this.#acquitted.add(name);
    const after = { ...before, failedAudits: Math.max(0, before.failedAudits - 1), demotedAt: staysDemoted ? before.demotedAt : null };
    this.standings.set(node, after);
    return after;
  }

  async list(nodes: readonly NodeId[]): Promise<ReadonlyMap<NodeId, StoredStanding>> {
    if (this.failing) throw new Error('no disk');
    return new Map(nodes.flatMap((node): [NodeId, StoredStanding][] => {
      const standing = this.standings.get(node);
      return standing === undefined ? [] : [[node, standing]];
    }));
  }

  async demoted(limit: number): Promise<readonly NodeId[]> {
    const demoted = [...this.standings].filter(([, { demotedAt }]) => demotedAt !== null);
    return demoted.sort(([, a], [, b]) => (b.demotedAt ?? 0) - (a.demotedAt ?? 0)).slice(0, limit).map(([node]) => node);
  }
}
