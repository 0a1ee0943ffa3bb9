/** `npm run escrow`: a requester's side of jobs that the contract pays for. */
import { join } from 'node:path';
import { CHECKOUT } from '../setup/checkout.ts';
import { parseEscrowOptions } from './escrow-options.ts';
import { findChain } from './find-chain.ts';
import { runCommand } from './run-command.ts';
import { runEscrow } from './run-escrow.ts';

await runCommand((signal) =>
  runEscrow(parseEscrowOptions(process.argv.slice(2)), {
    chainFile: () => findChain({ folder: CHECKOUT, env: process.env, report: (line) => void process.stderr.write(`${line}\n`), signal }),
    folder: join(CHECKOUT, '.ciro', 'escrows'),
    env: process.env,
    write: (text) => process.stdout.write(text),
    signal,
  }),
);
