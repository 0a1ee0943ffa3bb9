import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { answerOf } from '../../tests/support/network-question.ts';
import { announce, claimInTurn, earnedBy, openTabs, p95Of, payoutLine } from '../../tests/support/first-payouts.ts';
import { settlerOf } from '../../tests/support/paid-epochs.ts';
import { openPayoutNetwork, PaidTab, untilPayable } from '../../tests/support/payout-network.ts';
import { serveSponsored } from '../../tests/support/sponsored-chain.ts';
import { BenchError } from '../result.ts';
import * as v from 'valibot';
import type { PostedEpoch } from '../../tests/support/paid-epochs.ts';

/** First payouts, one after the other. */
const CLAIMS = 40;
/** Levels of their tree. */
const DEPTH = 6;
/** A tab on busy cores. Milliseconds. */
const PAID_WITHIN_MS = 180_000;
const LOOK_MS = 50;

interface Bench {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Milliseconds from click to receipt of each of 40 accounts that are deployed and paid, none of which holds STRK. */
export async function timeSponsoredClaims(binary: string, { signal, say }: Bench): Promise<{ readonly milliseconds: readonly number[]; readonly p95S: number }> {
  say('starting a devnet with all contracts');
  await using local = await openLocalChain({ binary, signal });
  const { post, waitOutWindow } = settlerOf(local);
  const epochs: PostedEpoch[] = [];
  await using served = await serveSponsored(local, epochs);
  const tabs = await openTabs(served, CLAIMS);
  announce(epochs, await post(earnedBy(tabs), DEPTH));
  await waitOutWindow();
  const payouts = await claimInTurn(tabs);
  const missing = payouts.findIndex((payout) => payout === undefined || payout.gasPaidFri !== 0n);
  if (missing >= 0) throw new BenchError(`claim ${missing + 1} of ${CLAIMS} did not come through, or its account paid for it: ${tabs[missing]?.earnings()?.failure?.message ?? 'no reason was told'}`);
  const [first] = payouts;
  if (first !== undefined) say(payoutLine(first, local.plan.addresses.Paymaster));
  return { milliseconds: payouts.flatMap((payout) => payout?.milliseconds ?? []), p95S: p95Of(payouts) / 1e3 };
}

/** Seconds from a link's opening, cold, over the tab's first answer, to tokens at its account. Undefined prompts are none: any is an error. */
export async function timeLinkToTokens({ signal, say }: Bench): Promise<{ readonly seconds: number; readonly answeredS: number }> {
  await using opened = await openPayoutNetwork();
  const { network, tab, openedAt, asked, chain } = opened;
  await answerOf(network.coordinator, { messages: [{ role: 'user', content: 'What is the capital of France?' }], maxTokens: 8 });
  const answeredS = (performance.now() - openedAt) / 1e3;
  await untilPayable(tab);
  const paying = network.coordinator.payOut(AbortSignal.any([signal, AbortSignal.timeout(PAID_WITHIN_MS)]));
  paying.catch(() => undefined); // what keeps it from being paid shows in the tab
  for (const until = performance.now() + PAID_WITHIN_MS; performance.now() < until; ) {
    signal.throwIfAborted();
    const told = v.safeParse(PaidTab, await tab.evaluate('globalThis.ciro?.status()'));
    if (told.success) {
      const seconds = (performance.now() - openedAt) / 1e3;
      const [payout] = told.output.earnings.payouts;
      if (asked.length > 0 || payout?.gas_paid !== '0') throw new BenchError(`the tab was asked ${asked.length} times and paid ${payout?.gas_paid} fri`);
      say(`paymaster ${payout.paymaster} (contract ${chain.door?.forwarder}), sponsor ${payout.sponsor}, transaction ${payout.transaction}, gas of the worker ${payout.gas_paid} fri, of the sponsor ${payout.sponsor_paid} fri; 0 prompts`);
      return { seconds, answeredS };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new BenchError(`the tab had no tokens ${PAID_WITHIN_MS / 1e3} s after its answer: ${JSON.stringify(await tab.evaluate('globalThis.ciro?.status()?.earnings')).slice(0, 400)}`);
}
