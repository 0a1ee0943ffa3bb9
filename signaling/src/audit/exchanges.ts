import type { AuditId, NodeId } from '@ciro/core/ids.ts';
import { MAX_REMEMBERED_AUDITS } from './audit-limits.ts';
import { refusal } from './refusal.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import type { AuditWorkers } from './ports.ts';
import type { Refusal } from './refusal.ts';

/** Messages that name an audit. */
export type AuditMessage = Extract<WorkMessage, { readonly audit: AuditId }>;

/** Our side of one exchange with one worker. */
export interface ExchangeParty {
  /** A message of that worker about this audit; a refusal changed nothing. */
  take(message: AuditMessage): Refusal | undefined;
  /** The worker is gone. */
  left(): void;
  /** Nothing is waited for any more. */
  isOver(): boolean;
}

const OVER = 'audit-over';

interface Exchange {
  readonly worker: NodeId;
  /** Absent once the exchange is over. */
  party?: ExchangeParty;
  /** Codes that the worker was told: each is recorded once, however often it is earned. */
  readonly told: Set<string>;
}

/** Which worker may say what about which audit. Whatever does not belong is refused by name, once, and changes nothing. */
export class Exchanges {
  readonly #workers: AuditWorkers;
  readonly #clock: Clock;
  /** When each connected worker's last piece was taken. */
  readonly #pieceAt = new Map<NodeId, number>();
  readonly #exchanges = new Map<AuditId, Exchange>();
  #over = 0;

  constructor(deps: { readonly workers: AuditWorkers; readonly clock: Clock }) {
    this.#workers = deps.workers;
    this.#clock = deps.clock;
  }

  /** Milliseconds since a piece from this worker was taken: it uploads for one audit after the other, so silence about one may be work on another. */
  silentMs(worker: NodeId): number {
    return this.#clock.now() - (this.#pieceAt.get(worker) ?? -Infinity);
  }

  /** Takes messages of `worker` about `audit` until the returned function is called. */
  open(audit: AuditId, worker: NodeId, party: ExchangeParty): () => void {
    const exchange: Exchange = { worker, party, told: new Set() };
    this.#exchanges.set(audit, exchange);
    return () => {
      if (exchange.party === undefined) return;
      delete exchange.party;
      this.#over++;
      this.#forget();
    };
  }

  handle(from: NodeId, message: AuditMessage): void {
    const exchange = this.#exchanges.get(message.audit);
    if (exchange?.worker !== from) {
      this.#workers.offend(from, 'not-yours', 'unknown-audit', `${message.type} about audit ${message.audit}, which was not given to this worker`);
      return;
    }
    const { party, told } = exchange;
    const found = party === undefined || party.isOver() ? refusal('not-yours', OVER, `${message.type} about audit ${message.audit}, which is over`) : party.take(message);
    if (found === undefined && message.type === 'piece') this.#pieceAt.set(from, this.#clock.now());
    // Who sent one wrong part sends the rest of it too: that is one offence.
    if (found === undefined || told.has(found.code) || (found.code === OVER && told.size > 0)) return;
    told.add(found.code);
    this.#workers.offend(from, found.offence, found.code, found.message);
  }

  left(node: NodeId): void {
    this.#pieceAt.delete(node);
    for (const { worker, party } of [...this.#exchanges.values()]) if (worker === node) party?.left();
  }

  #forget(): void {
    for (const [audit, { party }] of this.#exchanges) {
      if (this.#over <= MAX_REMEMBERED_AUDITS) return;
      if (party !== undefined) continue;
      this.#exchanges.delete(audit);
      this.#over--;
    }
  }
}
