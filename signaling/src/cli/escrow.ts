/** `npm run escrow`: a requester's side of jobs that the contract pays for. */
import { join } from 'node:path';
import { CHECKOUT } from '../setup/checkout.ts';
import { parseEscrowOptions } from './escrow-options.ts';
import { runCommand } from './run-command.ts';
import { runEscrow } from './run-escrow.ts';

await runCommand((signal) =>
  runEscrow(parseEscrowOptions(process.argv.slice(2)), {
    chainFile: process.env['CIRO_CHAIN_FILE'] || join(CHECKOUT, '.ciro', 'chain.json'),
    folder: join(CHECKOUT, '.ciro', 'escrows'),
    env: process.env,
    write: (text) => process.stdout.write(text),
    signal,
  }),
);
