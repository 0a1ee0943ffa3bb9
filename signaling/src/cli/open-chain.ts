import { formatCredits } from '@ciro/core/units.ts';
import { readChainSettings } from '../chain/chain-settings.ts';
import type { ChainOptions } from '../main.ts';
import type { SettlementEvent } from '../settlement/ports.ts';

/** On a chain of this machine nobody waits an hour for a block to be worth its fee. */
const LOCAL_EPOCH_EVERY_MS = 30_000;

/** The chain that `.ciro/chain.json` names, and a line that says so; without one, one line says where credits stay. */
export async function openChain(path: string, env: NodeJS.ProcessEnv, report: (line: string) => void): Promise<ChainOptions | undefined> {
  const settings = await readChainSettings(path, env);
  if (settings === undefined) {
    report('no chain: credits stay in the ledger (.ciro/chain.json would name a settlement contract)');
    return undefined;
  }
  report(`workers are paid by contract ${settings.store} over ${settings.rpc}`);
  return { ...settings, ...(settings.confirmations === 0 ? { epochEveryMs: LOCAL_EPOCH_EVERY_MS } : {}), onSettlement: (event) => report(`settlement: ${settlementLine(event)}`) };
}

/** An event of settlement for a person. Tokens have the decimals of credits. */
export function settlementLine(event: SettlementEvent): string {
  switch (event.type) {
    case 'closed':
      return `epoch ${event.epoch} closed: ${event.count} payees, ${formatCredits(event.total)} CIRO in all`;
    case 'posted':
    case 'confirmed':
      return `epoch ${event.epoch} ${event.type} in transaction ${event.transaction ?? '(of an earlier run)'}`;
    case 'claimable':
    case 'vetoed':
      return `epoch ${event.epoch} ${event.type}`;
    case 'reorganised':
      return `epoch ${event.epoch}: the chain took its block back`;
    case 'pushed':
      return `${formatCredits(event.amount)} CIRO of epoch ${event.epoch} sent to ${event.accounts} accounts in transaction ${event.transaction}`;
    case 'settled':
      return `worker ${event.worker.slice(0, 12)} has ${formatCredits(event.credits)} more at ${event.account}`;
  }
}
