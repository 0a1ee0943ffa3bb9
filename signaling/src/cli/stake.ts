/** `npm run stake`: registers a worker in the pool, and moves its stake in and out (SPEC Q6). */
import { capabilityHash } from '@ciro/core/sponsorship/pool-calls.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { CdcPool } from '../chain/cdc-pool.ts';
import { ContractCaller } from '../chain/contract-caller.ts';
import { accountKeys, readCourtSettings } from '../chain/court-settings.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { landed } from './court-moves.ts';
import { alignedTable } from './evidence-table.ts';
import { findChain } from './find-chain.ts';
import { usage } from './job-options.ts';
import { runCommand } from './run-command.ts';
import { parseStakeOptions, STAKE_USAGE } from './stake-options.ts';
import type { PoolPort } from '../disputes/pool-port.ts';
import type { StakeOptions } from './stake-options.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function describe(pool: PoolPort, worker: string, time: number): Promise<string> {
  const [{ payout, nextPayout, nextPayoutAt, stake, cooling, readyAt, bond, lastSeen, capability }, tier, active, least] = await Promise.all([pool.worker(worker), pool.tierOf(worker), pool.isActive(worker), pool.minStake()]);
  if (tier === 'unknown') return `${worker} is not registered`;
  return alignedTable([
    ['worker', `${worker}: ${tier}, ${active ? 'active' : 'not active'}, last seen ${time - lastSeen} s ago`],
    ['capability', capability],
    ['paid to', `${payout}${nextPayout === '0x0' ? '' : `, from ${nextPayoutAt > time ? `in ${nextPayoutAt - time} s` : 'now'} on ${nextPayout}`}`],
    ['stake', `${formatCredits(stake)} (staked from ${formatCredits(least)} on)`],
    ['cooling', cooling === 0n ? 'nothing' : `${formatCredits(cooling)}, ${readyAt > time ? `may leave in ${readyAt - time} s` : 'may leave now'}`],
    ['bond', formatCredits(bond)],
  ]);
}

function move(pool: PoolPort, account: string, options: StakeOptions): Promise<string> | undefined {
  switch (options.do) {
    case 'status':
      return undefined;
    case 'register':
      return pool.register(capabilityHash(options.capability), options.payout ?? account);
    case 'add':
      return pool.stake(options.amount);
    case 'remove':
      return pool.unstakeIntent(options.amount);
    case 'cancel':
      return pool.cancelUnstake();
    case 'withdraw':
      return pool.unstakeAction(options.worker ?? account);
    case 'payout':
      return pool.setPayout(options.to);
    case 'deregister':
      return pool.deregister();
  }
}

await runCommand(async (signal) => {
  const options = parseStakeOptions(process.argv.slice(2));
  const settings = await readCourtSettings(await findChain({ folder: CHECKOUT, env: process.env, report: (line) => void process.stderr.write(`${line}\n`), signal }));
  const account = await accountKeys(settings, process.env);
  const caller = new ContractCaller({ ...settings, ...(account === undefined ? {} : { account }) });
  const pool = new CdcPool(settings, caller);
  const worker = ('worker' in options ? options.worker : null) ?? pool.account;
  if (worker === null) throw usage('whose stake is not known: set CIRO_ACCOUNT_ADDRESS and CIRO_ACCOUNT_KEY, or name the worker', STAKE_USAGE);
  const sent = await move(pool, worker, options);
  if (sent !== undefined) await landed({ caller, signal, print }, sent);
  print(await describe(pool, worker, (await caller.head()).time));
});
