import type { NodeId } from '@ciro/core/ids.ts';
import type { ChangeRecord, PayoutLink, PayoutLinkStore } from './link-ports.ts';

/** Changes in memory for tests. `crash` is asked before and after each write. */
export class MemoryPayoutLinks implements PayoutLinkStore {
  readonly #crash: (step: string) => void;
  readonly #links = new Map<NodeId, PayoutLink>();
  readonly #changes = new Map<NodeId, ChangeRecord[]>();

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
  }

  async links(): Promise<Map<NodeId, PayoutLink>> {
    return structuredClone(this.#links);
  }
  async newest(worker: NodeId): Promise<ChangeRecord | undefined> {
    return structuredClone(this.#changes.get(worker)?.at(-1));
  }
  async ask(worker: NodeId, record: ChangeRecord): Promise<boolean> {
    this.#crash('ask');
    const before = this.#changes.get(worker) ?? [];
    if (record.change.nonce !== before.length + 1) return false;
    this.#changes.set(worker, [...before.map((each) => (each.state === 'waiting' ? { ...each, state: 'dropped' as const } : each)), structuredClone(record)]);
    this.#crash('asked');
    return true;
  }
  async due(now: number): Promise<Map<NodeId, ChangeRecord>> {
    return new Map([...this.#changes].flatMap(([worker, changes]) => changes.filter(({ state, from }) => state === 'waiting' && from <= now).map((each) => [worker, each] as const)));
  }
  async apply(worker: NodeId, nonce: number, link: PayoutLink): Promise<boolean> {
    this.#crash('apply');
    const changes = this.#changes.get(worker) ?? [];
    const found = changes[nonce - 1];
    if (found?.state !== 'waiting') return false;
    changes[nonce - 1] = { ...found, state: 'applied' };
    this.#links.set(worker, structuredClone(link));
    this.#crash('applied');
    return true;
  }
}
