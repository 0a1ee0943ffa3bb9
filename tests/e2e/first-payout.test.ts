import { readFile } from 'node:fs/promises';
import { RpcProvider } from 'starknet';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBackup } from '@ciro/web/wallet/backup.ts';
import { dumpStorage } from '../support/browser-storage.ts';
import { devnetHere } from '../support/devnet-binary.ts';
import { browserHere, needBrowser, reportPages } from '../support/network.ts';
import { answerOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import { openPayoutNetwork, PaidTab, untilPayable } from '../support/payout-network.ts';
import { strkOf } from '../support/sponsored-worker.ts';
import type { Page } from 'playwright-core';
import type { PayoutNetwork } from '../support/payout-network.ts';

/** The bar: from the link's opening to tokens at the tab's account, on idle cores. Milliseconds; on busy ones the test only prints it. */
const LINK_TO_TOKENS_MS = 60_000;
/** One stage answers it as the unsharded model does. */
const QUESTION = greedyVector('plain question');
const PASSPHRASE = 'four quiet words here';

const status = (page: Page): Promise<unknown> => page.evaluate('globalThis.ciro?.status()');
/** Scripts that a page has loaded. */
const scriptsOf = (page: Page): Promise<string[]> => page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))");

const browser = await browserHere();
const devnet = await devnetHere();
const missing = 'missing' in devnet ? devnet.missing : undefined;
if (missing !== undefined) console.warn(`SKIPPED, a tab's first payout: ${missing}`);

describe.skipIf(missing !== undefined)('a tab without any STRK', () => {
  let opened: PayoutNetwork;
  beforeAll(async () => {
    if (browser !== undefined) opened = await openPayoutNetwork();
  });
  beforeEach((test) => {
    needBrowser(test, browser);
    reportPages(test, opened.network.volunteers);
  });
  afterAll(() => opened?.[Symbol.asyncDispose]());

  it('Y8: opens a link, works, and has tokens on the chain within the bar: no prompt, no gas', async () => {
    const { network, chain, tab, asked, openedAt } = opened;
    expect((await scriptsOf(tab)).some((name) => name.includes('starknet'))).toBe(false);
    const { evidence } = await answerOf(network.coordinator, { messages: QUESTION.messages, maxTokens: QUESTION.outputIds.length });
    expect(evidence.token_ids).toEqual(QUESTION.outputIds);
    const answeredAt = performance.now();
    await untilPayable(tab);
    const paying = network.coordinator.payOut(AbortSignal.timeout(120_000));
    await expect.poll(() => status(tab), { timeout: 120_000, interval: 50 }).toSatisfy((told: unknown) => v.is(PaidTab, told));
    const seconds = (performance.now() - openedAt) / 1_000;
    const { identity, earnings } = v.parse(PaidTab, await status(tab));
    const [payout] = earnings.payouts;
    console.log(`link opened to tokens: ${seconds.toFixed(1)} s (bar ${LINK_TO_TOKENS_MS / 1_000} s, ${seconds * 1_000 <= LINK_TO_TOKENS_MS ? 'met' : 'missed'}), of which ${((answeredAt - openedAt) / 1_000).toFixed(1)} s to the end of its first answer; ${asked.length} prompts; notice to receipt ${payout?.milliseconds} ms`);
    console.log(`paymaster ${payout?.paymaster} (contract ${chain.door?.forwarder}), sponsor ${payout?.sponsor}, transaction ${payout?.transaction}, gas of the worker ${payout?.gas_paid} fri, of the sponsor ${payout?.sponsor_paid} fri`);
    expect(asked).toEqual([]);
    expect(payout?.gas_paid).toBe('0');
    // Nobody's word but the chain's.
    const { rpc = '', token = '' } = chain.door ?? {};
    const provider = new RpcProvider({ nodeUrl: rpc });
    const [low] = await provider.callContract({ contractAddress: token, entrypoint: 'balance_of', calldata: [identity.account] });
    expect(String(BigInt(low ?? 0))).toBe(earnings.on_chain);
    expect(await strkOf(provider, identity.account)).toBe(0n);
    expect(await paying).toMatchObject([{ account: identity.account }]);
    expect((await scriptsOf(tab)).filter((name) => name.includes('starknet'))).toHaveLength(1);
  });

  it('shows it with transaction, sponsor and gas, gives its key away only sealed, and has the same account after a reload', async () => {
    const page = opened.tab;
    const before = v.parse(PaidTab, await status(page));
    const panel = page.getByRole('region', { name: 'Earnings' });
    await expect.poll(() => panel.innerText()).toMatch(/gas paid by you: 0/);
    expect(await panel.innerText()).toContain('Not backed up');
    await panel.getByText('Back up or move this key').click();
    await panel.getByLabel(/Passphrase for the backup/).fill(PASSPHRASE);
    const [download] = await Promise.all([page.waitForEvent('download'), panel.getByRole('button', { name: 'Save backup file' }).click()]);
    const text = await readFile((await download.path()) ?? '', 'utf8');
    await expect.poll(() => panel.innerText()).toContain('Backed up');

    const { privateKey } = await openBackup(text, PASSPHRASE, globalThis.crypto);
    const digits = privateKey.slice(2).replace(/^0+/, '');
    const kept = await dumpStorage(page);
    expect(kept).toContain('"extractable":false');
    expect(kept).not.toContain('"extractable":true');
    expect(kept.toLowerCase()).not.toContain(digits);
    expect(text).not.toContain(digits);

    await page.reload();
    await expect.poll(() => status(page), { timeout: 60_000 }).toMatchObject({ identity: { account: before.identity.account, persistence: 'stored', backed_up: true } });
  });
});
