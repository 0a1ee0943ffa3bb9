import { transferCall } from '@ciro/core/sponsorship/pool-calls.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { CdcPool } from '../chain/cdc-pool.ts';
import { ContractCaller, ContractError } from '../chain/contract-caller.ts';
import { bondsOf } from '../chain/court-bonds.ts';
import { coordinatorKeys, devnetKeys, readCourtSettings } from '../chain/court-settings.ts';
import { DisputeCourt } from '../chain/dispute-court.ts';
import type { CoordinatorDisputesOptions } from '../disputes/coordinator-disputes.ts';
import type { CourtSettings } from '../chain/court-settings.ts';
import type { DisputeEvent } from '../disputes/disputes.ts';

/** Bonds that a devnet's coordinator is given when it has none. */
const DEVNET_BONDS = 50n;

/** Court and pool that `.ciro/chain.json` names, moved by the coordinator's account (`CIRO_COORDINATOR_KEY`, or a devnet's own key); undefined, with a line that says so, where there are none. */
export async function openDisputes(path: string, env: NodeJS.ProcessEnv, report: (line: string) => void): Promise<CoordinatorDisputesOptions | undefined> {
  const settings = await readCourtSettings(path);
  if (settings === undefined) return undefined;
  const account = await coordinatorKeys(settings, env);
  if (account === undefined) {
    report(`no disputes: ${path} names coordinator ${settings.coordinator}, and CIRO_COORDINATOR_KEY does not give its key`);
    return undefined;
  }
  const caller = new ContractCaller({ ...settings, account });
  const court = new DisputeCourt(settings, caller);
  report(`convicted workers are brought before court ${settings.court}`);
  await provideBonds(settings, court, caller, report);
  return { court, pool: new CdcPool(settings, caller), confirmations: settings.confirmations, onEvent: (event) => report(`dispute: ${disputeLine(event)}`) };
}

/** A case takes a bond. On a devnet the settler, who holds its first tokens, gives some; elsewhere whoever runs this is told what is missing. */
async function provideBonds(settings: CourtSettings, court: DisputeCourt, caller: ContractCaller, report: (line: string) => void): Promise<void> {
  try {
    const { bond, token, balance } = await bondsOf(court, caller, settings.coordinator);
    if (balance >= bond) return;
    const settler = settings.confirmations === 0 ? await devnetKeys(settings.rpc, settings.settler) : undefined;
    if (settler === undefined) return report(`the coordinator ${settings.coordinator} has ${formatCredits(balance)} of token ${token}, and a case takes ${formatCredits(bond)}: none is opened until it has that`);
    await new ContractCaller({ ...settings, account: settler }).send('transfer', [transferCall(token, settings.coordinator, DEVNET_BONDS * bond)]);
    report(`devnet: the settler gives the coordinator bonds for ${DEVNET_BONDS} cases`);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    report(`disputes wait for the chain: ${error.message}`);
  }
}

/** An event for a person. */
export function disputeLine({ type, dispute: { job, stage, worker, caseId, note, transaction } }: DisputeEvent): string {
  const about = `worker ${worker.slice(0, 12)}, stage ${stage + 1} of job ${job}`;
  switch (type) {
    case 'noted':
      return `${about}: convicted, its case file is made`;
    case 'unopened':
      return `${about}: convicted, no case is opened: ${note}`;
    case 'sent':
      return `${about}: a case is being opened in transaction ${transaction}`;
    case 'opened':
      return `${about}: case ${caseId} is open`;
    case 'finalising':
      return `case ${caseId} is being ended in transaction ${transaction}`;
    case 'guilty':
    case 'acquitted':
    case 'lapsed':
      return `case ${caseId}, ${about}: ${note} (transaction ${transaction})`;
  }
}
