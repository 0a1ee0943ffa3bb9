/** `npm run dispute`: cases before the court, by hand: list, show, open, answer, vote, end, and dispute a wrong epoch (SPEC Q2, Q5). */
import { ContractCaller } from '../chain/contract-caller.ts';
import { accountKeys, readCourtSettings } from '../chain/court-settings.ts';
import { DisputeCourt } from '../chain/dispute-court.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { disputeEpoch } from './dispute-epoch.ts';
import { parseDisputeOptions } from './dispute-options.ts';
import { describeCase, listCases } from './dispute-table.ts';
import { castVote } from './dispute-vote.ts';
import { evidenceOfFile, landed, openCase } from './court-moves.ts';
import { findChain } from './find-chain.ts';
import { runCommand } from './run-command.ts';
import type { Charge } from '../disputes/court-port.ts';
import type { CourtHand } from './court-moves.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Court, epochs and who acts, by the chain that is found and the environment. */
async function openHand(signal: AbortSignal): Promise<CourtHand> {
  const settings = await readCourtSettings(await findChain({ folder: CHECKOUT, env: process.env, report: (line) => void process.stderr.write(`${line}\n`), signal }));
  const account = await accountKeys(settings, process.env);
  const caller = new ContractCaller({ ...settings, ...(account === undefined ? {} : { account }) });
  return { court: new DisputeCourt(settings, caller), caller, store: settings.store, signal, print };
}

await runCommand(async (signal) => {
  const options = parseDisputeOptions(process.argv.slice(2));
  const hand = await openHand(signal);
  const { court } = hand;
  switch (options.do) {
    case 'list':
      return print(await listCases(court));
    case 'show':
      return print(await describeCase(court, options.id));
    case 'vote':
      return castVote(hand, options);
    case 'root':
      return disputeEpoch(hand, options);
    case 'finalise':
      await landed(hand, await court.finalise(options.id));
      return print(await describeCase(court, options.id));
    case 'respond': {
      const evidence = await evidenceOfFile(options.file, signal);
      await landed(hand, await court.respond(options.id, evidence));
      return print(`answered with ${evidence}: publish ${options.file} as it is where the arbiters find it`);
    }
    case 'open': {
      const { kind, accused, ref, file } = options;
      const charge: Charge = { kind, accused, ref, evidence: await evidenceOfFile(file, signal) };
      return print(await describeCase(court, await openCase(hand, charge)));
    }
  }
});
