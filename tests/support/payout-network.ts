/** A coordinator with a local chain of its own, as `npm start` opens it, and one tab that is opened by a link. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { openChain } from '../../signaling/src/cli/open-chain.ts';
import { openTestNetwork } from './network.ts';
import type { Page } from 'playwright-core';
import type { OpenedChain } from '../../signaling/src/cli/open-chain.ts';
import type { TestNetwork } from './network.ts';

const Positive = v.pipe(v.string(), v.regex(/^[1-9]\d*$/));
const Payout = v.object({ epoch: v.number(), transaction: v.string(), amount: Positive, paymaster: v.string(), sponsor: v.string(), gas_paid: v.string(), sponsor_paid: Positive, milliseconds: v.number() });
/** Status of a tab that was paid. */
export const PaidTab = v.object({
  identity: v.object({ account: v.string(), persistence: v.literal('stored'), backed_up: v.boolean() }),
  earnings: v.object({ on_chain: Positive, failure: v.null(), payouts: v.pipe(v.array(Payout), v.minLength(1)) }),
});

const Earned = v.object({ totals: v.object({ credits_payable: Positive }) });
const PAYABLE_WITHIN_MS = 120_000;
const LOOK_MS = 50;

/** Waits until audits have made some of what a tab earned payable: an epoch that is closed before that pays nobody. */
export async function untilPayable(tab: Page): Promise<void> {
  for (const until = performance.now() + PAYABLE_WITHIN_MS; performance.now() < until; await sleep(LOOK_MS)) if (v.is(Earned, await tab.evaluate('globalThis.ciro?.status()'))) return;
  throw new Error(`nothing is payable to the tab after ${PAYABLE_WITHIN_MS / 1_000} s`);
}

export interface PayoutNetwork extends AsyncDisposable {
  readonly chain: OpenedChain;
  readonly network: TestNetwork;
  readonly tab: Page;
  /** Monotonic milliseconds at which the tab's link was opened. */
  readonly openedAt: number;
  /** What the tab asked of its person: dialogs and windows. */
  readonly asked: readonly string[];
}

export async function openPayoutNetwork(): Promise<PayoutNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-payout-'));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  const chain = undo.use(await openChain({ path: join(folder, 'chain.json'), dataDir: folder, env: process.env, report: (line) => void lines.push(line), signal: new AbortController().signal }));
  if (chain.door === undefined) throw new Error(`the local chain did not start: ${lines.join('; ')}`);
  await chain.environment.chain?.ready;
  const asked: string[] = [];
  let openedAt = 0;
  const network = undo.use(
    await openTestNetwork({
      stages: 1,
      // Credits are payable once the newcomer's work was audited.
      environment: { ...chain.environment, auditRate: 1 },
      prepare: async (page) => {
        page.on('dialog', (dialog) => (asked.push(dialog.message()), void dialog.dismiss()));
        page.on('popup', (popup) => asked.push(popup.url()));
        openedAt = performance.now();
      },
    }),
  );
  const [tab] = network.volunteers.pages;
  if (tab === undefined) throw new Error('no tab');
  const open = undo.move();
  return { chain, network, tab, openedAt, asked, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}
