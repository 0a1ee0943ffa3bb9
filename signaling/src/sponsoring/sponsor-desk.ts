import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { TokenBucket } from '../sessions/token-bucket.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { SponsorAnswer } from '@ciro/core/protocol/sponsorship.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { SettlementEvent } from '../settlement/ports.ts';

/** Tickets of one worker at once, and then one a minute: a first payout needs one, tried again a few times. */
const TICKET_BURST = 4;
const TICKET_EVERY_MS = 60_000;
/** Workers whose tickets are counted, the one that asked longest ago forgotten first; 100 bytes each. */
const MAX_COUNTED = 10_000;

export interface SponsorDeskDeps {
  readonly clock: Clock;
  readonly workers: {
    nodes(): NodeId[];
    observe(observer: WorkerObserver): void;
    send(nodeId: NodeId, message: CoordinatorMessage): void;
  };
  /** Gives a ticket for an account; absent where nobody pays for actions (SPEC Y1). */
  readonly tickets?: (account: string) => string;
  /** Account that an identity owns; core's when absent. */
  readonly addressOf?: (identityPublicKey: string) => string;
}

/** Tells workers that an epoch is claimable, and gives them the tickets that their first action needs (SPEC Y7). */
export class SponsorDesk {
  readonly #deps: SponsorDeskDeps;
  /** By public key: a node's tickets are counted over its connections. */
  readonly #counted = new Map<string, TokenBucket>();

  constructor(deps: SponsorDeskDeps) {
    this.#deps = deps;
    deps.workers.observe({
      sponsorWanted: ({ nodeId, identityPublicKey }) => deps.workers.send(nodeId, this.#answer(identityPublicKey)),
    });
  }

  /** The same options of a chain, with everybody here told when an epoch is claimable. */
  telling<Options extends { readonly onSettlement?: (event: SettlementEvent) => void }>(options: Options): Options {
    const { workers } = this.#deps;
    const onSettlement = (event: SettlementEvent): void => {
      if (event.type === 'claimable') for (const node of workers.nodes()) workers.send(node, { type: 'epoch-claimable', epoch: event.epoch });
      options.onSettlement?.(event);
    };
    return { ...options, onSettlement };
  }

  #answer(identityPublicKey: string): SponsorAnswer {
    const { clock, tickets, addressOf = payoutAddress } = this.#deps;
    if (tickets === undefined) return { type: 'sponsor-refused', code: 'no-sponsor', message: 'this coordinator pays for no actions on a chain', retryAfterMs: null };
    const waitMs = this.#take(identityPublicKey, clock.now());
    if (waitMs > 0) return { type: 'sponsor-refused', code: 'too-many', message: `a worker is given ${TICKET_BURST} tickets at once and one in ${TICKET_EVERY_MS / 1000} s; ask again in ${Math.ceil(waitMs / 1000)} s`, retryAfterMs: Math.ceil(waitMs) };
    return { type: 'sponsor-ticket', ticket: tickets(addressOf(identityPublicKey)) };
  }

  /** 0, or milliseconds until one is left. */
  #take(key: string, now: number): number {
    const bucket = this.#counted.get(key) ?? new TokenBucket(TICKET_BURST, 1000 / TICKET_EVERY_MS, now);
    this.#counted.delete(key);
    this.#counted.set(key, bucket);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > MAX_COUNTED && oldest !== undefined) this.#counted.delete(oldest);
    return bucket.take(now) ? 0 : TICKET_EVERY_MS;
  }
}
