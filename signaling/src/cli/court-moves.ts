import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceFelt, textHash } from '@ciro/core/dispute/case-file.ts';
import { ContractError } from '../chain/contract-caller.ts';
import { readSourceText } from './read-source.ts';
import type { ContractCaller } from '../chain/contract-caller.ts';
import type { Charge, CourtPort } from '../disputes/court-port.ts';

/** A block of a network takes some seconds, one of a devnet none. */
const POLL_MS = 500;
/** A transaction is in a block within ten seconds; a gas spike may keep it out for longer. */
const LONGEST_WAIT_MS = 300_000;

/** What a command about the court works with. */
export interface CourtHand {
  readonly court: CourtPort;
  readonly caller: ContractCaller;
  /** Address of the settlement contract. */
  readonly store: string;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Waits until a transaction is in a block. Throws ContractError `refused` when it was reverted, `node-silent` when it is in none after five minutes. */
export async function landed({ caller, signal, print }: Pick<CourtHand, 'caller' | 'signal' | 'print'>, transaction: string): Promise<void> {
  print(`transaction ${transaction}`);
  for (let waited = 0; waited < LONGEST_WAIT_MS; waited += POLL_MS) {
    const sent = await caller.sent(transaction);
    if (sent.state === 'succeeded') return print(`in a block, ${sent.l2Gas.toLocaleString('en-US')} L2 gas`);
    if (sent.state === 'reverted') throw new ContractError('refused', `${transaction} was reverted: ${sent.reason}`, { fault: 'user' });
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new ContractError('node-silent', `${transaction} is in no block after ${LONGEST_WAIT_MS / 60_000} minutes; look again before you send another`, { fault: 'timeout' });
}

/** Opens a case and gives its number; there may be others about the same job. Throws as `landed`. */
export async function openCase(hand: CourtHand, charge: Charge): Promise<number> {
  const { court } = hand;
  const { number } = await court.head();
  await landed(hand, await court.open(charge));
  const id = (await court.openedBy(court.account ?? '', charge, number)).at(-1);
  if (id === undefined) throw new ContractError('refused', 'the transaction is in a block, and the court tells of no case; look with `npm run dispute -- list`', { fault: 'platform' });
  return id;
}

/** What the court is told of a file: the hash of its text as it is. */
export const evidenceOfFile = async (file: string, signal: AbortSignal): Promise<string> => evidenceFelt(textHash(await readSourceText(file, signal)));
