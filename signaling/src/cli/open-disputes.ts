import { transferCall } from '@ciro/core/sponsorship/pool-calls.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { CdcPool } from '../chain/cdc-pool.ts';
import { ContractCaller, ContractError } from '../chain/contract-caller.ts';
import { bondsOf } from '../chain/court-bonds.ts';
import { coordinatorKeys, courtSettingsOf, devnetKeys } from '../chain/court-settings.ts';
import { DisputeCourt } from '../chain/dispute-court.ts';
import type { CoordinatorDisputesOptions } from '../disputes/coordinator-disputes.ts';
import type { CourtSettings } from '../chain/court-settings.ts';
import type { DisputeEvent } from '../disputes/disputes.ts';

/** Bonds that a devnet's coordinator is given when it has none. */
const DEVNET_BONDS = 50n;

/**
 * Court and pool that a chain's file names, moved by the coordinator's account (`CIRO_COORDINATOR_KEY`, or a devnet's own key); undefined, with a line
 * that says so, where nobody gave that key. `deployed`: a chain whose contracts are on their way.
 */
export async function openDisputes(file: unknown, env: NodeJS.ProcessEnv, report: (line: string) => void, deployed: Promise<unknown> = Promise.resolve()): Promise<(CoordinatorDisputesOptions & { readonly ready: Promise<void> }) | undefined> {
  const settings = courtSettingsOf(file);
  const account = await coordinatorKeys(settings, env);
  if (account === undefined) {
    report(`no disputes: nobody gave the key of the coordinator's account ${settings.coordinator} (CIRO_COORDINATOR_KEY)`);
    return undefined;
  }
  const caller = new ContractCaller({ ...settings, account });
  const court = new DisputeCourt(settings, caller);
  report(`convicted workers are brought before court ${settings.court}`);
  const ready = deployed.then(() => provideBonds(settings, court, caller, report));
  ready.catch(() => undefined); // who starts disputes hears of it
  return { court, pool: new CdcPool(settings, caller), ready, confirmations: settings.confirmations, onEvent: (event) => report(`dispute: ${disputeLine(event)}`) };
}

/** A case takes a bond. On a devnet the settler, who holds its first tokens, gives some; elsewhere whoever runs this is told what is missing. */
async function provideBonds(settings: CourtSettings, court: DisputeCourt, caller: ContractCaller, report: (line: string) => void): Promise<void> {
  try {
    const { bond, token, balance } = await bondsOf(court, caller, settings.coordinator);
    if (balance >= bond) return;
    const settler = await devnetKeys(settings, settings.settler);
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
