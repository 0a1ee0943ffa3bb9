import { headBytes, headOf } from '@ciro/core/ledger/head.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { LedgerPoint } from '@ciro/core/ledger/head.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** Every worker is sent the head this often (SPEC B1): a fork that lasts longer is seen by two tabs that talk to each other. */
export const HEAD_INTERVAL_MS = 60_000;
/** After credits at most this often: four jobs end in one second at the best, and a head covers them all. */
export const HEAD_AFTER_CREDIT_MS = 1_000;

export interface HeadPublisherDeps {
  readonly clock: Clock;
  readonly ledger: { head(): Promise<LedgerPoint | undefined> };
  readonly key: Pick<CoordinatorKey, 'sign'>;
  readonly workers: Pick<Sessions, 'nodes' | 'send' | 'observe'>;
  /** Hears of a head that could not be read or signed; the next one is tried as usual. */
  readonly onError: (error: unknown) => void;
}

/** Signs the head of the ledger and sends it out, so that two ledgers cannot be shown to two tabs (SPEC B1). */
export class HeadPublisher {
  readonly #deps: HeadPublisherDeps;
  readonly #network: string;
  /** Nodes that are to hear the next head. */
  readonly #due = new Set<NodeId>();
  #publishedAt = Number.NEGATIVE_INFINITY;
  #publishing = false;
  #closed = false;
  #cancelNext: (() => void) | undefined;
  #cancelMinute: () => void = () => undefined;

  constructor(deps: HeadPublisherDeps, options: { readonly network: string }) {
    this.#deps = deps;
    this.#network = options.network;
    // Who comes back may hold a head from before; the sooner it can compare the better.
    deps.workers.observe({ joined: ({ nodeId }) => this.credited(nodeId) });
    this.#everyMinute();
  }

  /** A worker was told of a credit: it is sent a head that covers it, within a second. */
  credited(node: NodeId): void {
    this.#due.add(node);
    this.#soon();
  }

  /** The head now, signed; undefined while the ledger is empty. */
  async signed(): Promise<SignedHead | undefined> {
    const { clock, key, ledger } = this.#deps;
    const head = await ledger.head();
    if (head === undefined) return undefined;
    const body = headOf(this.#network, head, Math.floor(clock.now()));
    return { body, signature: await key.sign(headBytes(body)) };
  }

  /** Sends nothing more. */
  close(): void {
    this.#closed = true;
    this.#cancelMinute();
    this.#cancelNext?.();
  }

  #everyMinute(): void {
    this.#cancelMinute = this.#deps.clock.after(HEAD_INTERVAL_MS, () => {
      for (const node of this.#deps.workers.nodes()) this.#due.add(node);
      this.#soon();
      this.#everyMinute();
    });
  }

  /** One head at a time, and not before its time; whoever becomes due meanwhile hears the next one. */
  #soon(): void {
    if (this.#closed || this.#publishing || this.#cancelNext !== undefined || this.#due.size === 0) return;
    const { clock, onError } = this.#deps;
    this.#cancelNext = clock.after(Math.max(0, this.#publishedAt + HEAD_AFTER_CREDIT_MS - clock.now()), () => {
      this.#cancelNext = undefined;
      this.#publishing = true;
      this.#publishedAt = clock.now();
      this.#publish()
        .catch(onError)
        .finally(() => {
          this.#publishing = false;
          this.#soon();
        });
    });
  }

  async #publish(): Promise<void> {
    const nodes = [...this.#due];
    this.#due.clear();
    const head = await this.signed();
    if (head === undefined || this.#closed) return;
    for (const node of nodes) this.#deps.workers.send(node, { type: 'head', head });
  }
}
