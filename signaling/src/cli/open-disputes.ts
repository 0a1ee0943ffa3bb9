import { coordinatorKeys, readCourtSettings } from '../chain/court-settings.ts';
import { CdcPool } from '../chain/cdc-pool.ts';
import { ContractCaller } from '../chain/contract-caller.ts';
import { DisputeCourt } from '../chain/dispute-court.ts';
import type { CoordinatorDisputesOptions } from '../disputes/coordinator-disputes.ts';
import type { DisputeEvent } from '../disputes/disputes.ts';

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
  report(`convicted workers are brought before court ${settings.court}`);
  return { court: new DisputeCourt(settings, caller), pool: new CdcPool(settings, caller), confirmations: settings.confirmations, onEvent: (event) => report(`dispute: ${disputeLine(event)}`) };
}

/** An event for a person. */
export function disputeLine({ type, dispute: { job, stage, worker, caseId, note, transaction } }: DisputeEvent): string {
  const about = `worker ${worker.slice(0, 12)}, stage ${stage + 1} of job ${job}`;
  switch (type) {
    case 'noted':
      return `${about}: convicted, its case file is published`;
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
