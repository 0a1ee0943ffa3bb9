import type { Clock } from '../sessions/clock.ts';
import type { Escrow, EscrowEvent, EscrowStep, EscrowStore, JobManagerPort } from './ports.ts';

/** A transaction that no block has, or whose effect no view shows, is sent again after this time. */
const LOST_AFTER_MS = 120_000;

export interface SentStepsDependencies {
  readonly clock: Clock;
  readonly chain: Pick<JobManagerPort, 'receipt' | 'time'>;
  readonly store: Pick<EscrowStore, 'change'>;
  readonly onEvent: (event: EscrowEvent) => void;
}

/** Sends an escrow's transactions, each kind again only when the last one came to nothing. */
export class SentSteps {
  readonly #deps: SentStepsDependencies;

  constructor(deps: SentStepsDependencies) {
    this.#deps = deps;
  }

  async send(escrow: Escrow, step: EscrowStep, transact: () => Promise<string>): Promise<void> {
    const { clock, store, onEvent } = this.#deps;
    if (await this.#underWay(escrow, step)) return;
    const transaction = await transact();
    await store.change(escrow.id, { sent: { ...escrow.sent, [step]: { transaction, at: clock.now() } } });
    onEvent({ type: 'sent', escrow: escrow.id, step, transaction });
  }

  /** Unix seconds: a devnet makes no block by itself, so its newest one may be old. */
  async time(): Promise<number> {
    const { chain, clock } = this.#deps;
    return Math.max(await chain.time(), Math.floor(clock.now() / 1000));
  }

  async #underWay({ sent }: Escrow, step: EscrowStep): Promise<boolean> {
    const before = sent[step];
    if (before === undefined) return false;
    const { state } = await this.#deps.chain.receipt(before.transaction);
    return state !== 'reverted' && this.#deps.clock.now() - before.at < LOST_AFTER_MS;
  }
}
