import { decodeFrame } from '@ciro/core/protocol/frame.ts';
import { headBytes, headOf } from '@ciro/core/ledger/head.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { MemoryLedgerStore } from '@ciro/signaling/ledger/memory-ledger-store.fixture.ts';
import { HeadWatch } from '@ciro/web/audit/head-watch.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { CoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import type { Alarm } from '@ciro/web/audit/alarm.ts';

const NETWORK = 'ciro-test';

/** A tab's watch over the ledger, and what it raised. */
export interface WatchingTab {
  readonly node: NodeId;
  readonly watch: HeadWatch;
  readonly alarms: Alarm[];
  /** Heads of neighbours that it did not take, with the reason. */
  readonly refusals: string[];
  /** What the coordinator shows to this tab. */
  readonly shown: { ledger: Ledger };
}

/** A coordinator with as many ledgers as it likes, and tabs that gossip as they do over their links; the clock moves by `minute`. */
export class LedgerShow {
  readonly key: CoordinatorKey;
  readonly tabs: WatchingTab[] = [];
  #now = 0;

  private constructor(key: CoordinatorKey) {
    this.key = key;
  }

  static async open(tabs: number): Promise<LedgerShow> {
    const show = new LedgerShow(await generateCoordinatorKey());
    const ledger = await show.newLedger();
    for (let index = 0; index < tabs; index++) show.#join(index, ledger);
    return show;
  }

  /** Tabs that could not compare heads for long do it at once after this. */
  minute(): void {
    this.#now += 60_000;
  }

  async newLedger(): Promise<Ledger> {
    const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
    await ledger.start();
    return ledger;
  }

  /** The head of what this tab is shown, as the coordinator sends it once a minute. */
  async publish(tab: WatchingTab): Promise<SignedHead> {
    const last = await tab.shown.ledger.head();
    if (last === undefined) throw new Error('the ledger is empty');
    const body = headOf(NETWORK, last, this.#now);
    const head = { body, signature: await this.key.sign(headBytes(body)) };
    await tab.watch.fromCoordinator(head);
    return head;
  }

  async settled(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const { watch } of this.tabs) await watch.settled();
    }
  }

  #join(index: number, ledger: Ledger): void {
    const node = (index + 1).toString(16).padStart(40, '0') as NodeId;
    const alarms: Alarm[] = [];
    const shown = { ledger };
    const watch = new HeadWatch({
      identity: { network: NETWORK, coordinatorPublicKey: this.key.publicKey },
      verify: verifySignature,
      links: async (from, to) => ({ links: await shown.ledger.links(from, to) }),
      sendFrame: (peer, frame) => {
        const other = this.tabs.find((each) => each.node === peer);
        if (other === undefined) return false;
        const { payload } = decodeFrame(frame);
        setImmediate(() => void other.watch.fromNeighbour(node, payload).catch((error: unknown) => other.refusals.push(String(error))));
        return true;
      },
      peers: () => this.tabs.filter((each) => each.node !== node).map((each) => each.node),
      now: () => this.#now,
      keep: () => undefined,
      alarm: (alarm) => void alarms.push(alarm),
    });
    this.tabs.push({ node, watch, alarms, refusals: [], shown });
  }
}

