import { openSettlementDevnet } from '../../tests/support/settlement-devnet.ts';
import { SettledLedger } from '../../tests/support/settled-ledger.ts';
import { BenchError } from '../result.ts';

export interface SettledOnDevnet {
  /** Workers that the chain has paid all that they had earned. */
  readonly payees: number;
  readonly unitsApart: bigint;
  readonly wallS: number;
  readonly transactions: number;
  readonly pushGas: number;
}

/** Longer than the contract's challenge window, seconds. */
const WINDOW_S = 61;
/** Looks until everybody is paid: an epoch, and a push of 384 leaves each. */
const MAX_LOOKS = 40;

/** Settles what so many workers earned, from the ledger to their balances. The chain's clock is moved, ours is not waited for. */
export async function settleOnDevnet({ binary }: { readonly binary: string }, { payees, signal, say }: { readonly payees: number; readonly signal: AbortSignal; readonly say: (line: string) => void }): Promise<SettledOnDevnet> {
  say('starting a devnet and deploying token and settlement contract');
  await using devnet = await openSettlementDevnet(binary);
  await using ledger = await SettledLedger.open(devnet, payees);
  const amounts = ledger.payees.map((_, index) => BigInt(index + 1) * 10n ** 15n + 1n);
  await ledger.earn(amounts);
  await devnet.fund(amounts.reduce((sum, amount) => sum + amount, 0n));
  say(`${payees} workers have earned; making their addresses`);
  const started = performance.now();
  let left = payees;
  for (let look = 0; left > 0; look++) {
    signal.throwIfAborted();
    if (look === MAX_LOOKS) throw new BenchError(`${left} of ${payees} workers are not paid after ${MAX_LOOKS} looks: ${String(ledger.errors.at(-1))}`);
    await ledger.settlement.step();
    if (ledger.events.at(-1)?.type === 'posted' || ledger.events.at(-1)?.type === 'confirmed') await devnet.passTime(WINDOW_S);
    left = [...(await ledger.ledger.earned()).values()].filter(({ payable }) => payable > 0n).length;
    say(`look ${look + 1}: ${left} left`);
  }
  const wallS = (performance.now() - started) / 1e3;
  const pushes = ledger.events.flatMap((event) => (event.type === 'pushed' ? [event.transaction] : []));
  const gas = await Promise.all(pushes.map((transaction) => devnet.gasOf(transaction)));
  return { payees: payees - left, unitsApart: await ledger.unitsApart(), wallS, transactions: pushes.length + 1, pushGas: gas.reduce((sum, each) => sum + each, 0) };
}
