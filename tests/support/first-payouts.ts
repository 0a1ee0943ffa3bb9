/** Tabs that claim their first payouts one after the other on a local chain, as fast as the chain lets them. */
import { claimingTab } from './claiming-tab.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { Payee } from '@ciro/contracts/chain/payout-tree.ts';
import type { Payout } from '@ciro/web/wallet/claim-ports.ts';
import type { PostedEpoch } from './paid-epochs.ts';
import type { serveSponsored } from './sponsored-chain.ts';

type Served = Pick<Awaited<ReturnType<typeof serveSponsored>>, 'base' | 'relayer'>;
export type ClaimingTab = Awaited<ReturnType<typeof claimingTab>>;

/** So many tabs with fresh identities. */
export const openTabs = (served: Served, count: number): Promise<ClaimingTab[]> =>
  Promise.all(Array.from({ length: count }, () => claimingTab(served.base, (account) => served.relayer.issueTicket(account))));

/** What each has earned, `more` base units more than before. */
export const earnedBy = (tabs: readonly ClaimingTab[], more = 0n): Payee[] => tabs.map(({ account }, at) => ({ account: account as Felt, cumulative: 10n ** 15n + BigInt(at) + more }));

/** Each presses Claim when the one before it has its receipt; the newest payout of each. */
export async function claimInTurn(tabs: readonly ClaimingTab[]): Promise<(Payout | undefined)[]> {
  for (const { desk } of tabs) await desk.claimNow();
  return tabs.map(({ earnings }) => earnings()?.payouts[0]);
}

/** The 95th percentile of what they took, click to receipt, in milliseconds; none of them may be missing. */
export function p95Of(payouts: readonly (Payout | undefined)[]): number {
  const times = payouts.map((payout) => payout?.milliseconds ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY;
}

/** For a person: who paid for what. */
export const payoutLine = ({ paymaster, sponsor, transaction, gasPaidFri, sponsorPaidFri }: Payout, forwarder: string): string =>
  `paymaster ${paymaster} (contract ${forwarder}), sponsor ${sponsor}, transaction ${transaction}, gas of the worker ${gasPaidFri} fri, of the sponsor ${sponsorPaidFri} fri`;

/** Puts an epoch in front: the coordinator lists the newest first. */
export const announce = (epochs: PostedEpoch[], posted: PostedEpoch): void => void epochs.unshift(posted);
