import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { SettledLedger } from '../support/settled-ledger.ts';
import { findSettlementChain, openSettlementDevnet } from '../support/settlement-devnet.ts';
import type { SettlementDevnet } from '../support/settlement-devnet.ts';

const found = await findSettlementChain();
const missing = 'missing' in found ? found.missing : undefined;
if (missing !== undefined) console.warn(`SKIPPED, settlement on a devnet: ${missing}`);
/** Longer than the challenge window, seconds. */
const WINDOW_S = 61;
const CHAIN_TIMEOUT_MS = 300_000;

describe.skipIf(missing !== undefined)(`settlement on a devnet${missing === undefined ? '' : ` (${missing})`}`, { timeout: CHAIN_TIMEOUT_MS }, () => {
  let devnet: SettlementDevnet;
  beforeAll(async () => {
    if ('binary' in found) devnet = await openSettlementDevnet(found.binary);
  }, CHAIN_TIMEOUT_MS);
  afterAll(async () => {
    await devnet?.[Symbol.asyncDispose]();
  });

  it('X1, X2, X7, X8, M10: the contract takes the epoch, pays its groups once, and ledger and chain agree to the unit; a restart between any two looks changes nothing', async () => {
    await using ledger = await SettledLedger.open(devnet, 11);
    const amounts = ledger.payees.map((_, index) => BigInt(index + 1) * 10n ** 15n + 1n);
    await ledger.earn(amounts);
    await ledger.settlement.step();
    expect(ledger.errors[0]).toMatchObject({ code: 'unbacked' });
    await devnet.fund(amounts.reduce((sum, amount) => sum + amount, 0n));
    for (let look = 0; look < 4; look++) {
      await ledger.restart().step();
      await devnet.passTime(WINDOW_S);
    }
    expect(ledger.events.map(({ type }) => type).slice(0, 5)).toEqual(['closed', 'posted', 'confirmed', 'claimable', 'pushed']);
    expect(ledger.errors).toHaveLength(1);
    expect(await ledger.unitsApart()).toBe(0n);
    expect([...(await ledger.ledger.earned()).values()].every(({ payable }) => payable === 0n)).toBe(true);
    expect(verifyEpoch(await ledger.settlement.epoch(1)).verdict).toBe('verified');

    // The next epoch: cumulative, vetoed; the one after it pays what is owed.
    await ledger.earn([7n, 8n]);
    await devnet.fund(15n);
    await ledger.settlement.step();
    await devnet.veto(2);
    for (let look = 0; look < 6; look++) {
      await ledger.restart().step();
      await devnet.passTime(WINDOW_S);
    }
    expect((await ledger.settlement.epochs(9)).map(({ state }) => state)).toEqual(['claimable', 'vetoed', 'claimable']);
    expect(await ledger.unitsApart()).toBe(0n);
    expect((await ledger.ledger.earned()).get(ledger.payees[1]?.node ?? ('' as never))).toEqual({ payable: 0n, settled: 2n * 10n ** 15n + 1n + 8n });
  });
});
