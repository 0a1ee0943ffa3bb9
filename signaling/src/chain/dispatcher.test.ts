import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { BALANCE_FRESH_MS, COOL_DOWN_MS, DROPPED_AFTER_MS, MAX_BATCH, MAX_QUEUE, SIMULATION_FRESH_MS } from './chain-limits.ts';
import { Dispatcher } from './dispatcher.ts';
import { toFelt } from './felt.ts';
import { MemoryChain, unavailable } from './memory-chain.fixture.ts';
import { Metrics } from './metrics.ts';
import { Senders } from './senders.ts';
import { pass, settle } from './virtual-run.fixture.ts';
import { EXECUTE_SPONSORED_V2 } from './starknet-hashes.ts';
import type { ChainCall, Estimate } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { BalanceAlarm } from './senders.ts';

const STRK = 10n ** 18n;
const FORWARDER: Felt = '0xf0';
const callOf = (nonce: Felt): ChainCall => ({ to: FORWARDER, selector: EXECUTE_SPONSORED_V2, calldata: ['0xacc', FORWARDER, nonce] });

function setup({ senders = ['0xa1'] as Felt[], maxFriPerAction = STRK } = {}) {
  const chain = new MemoryChain();
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const alarms: BalanceAlarm[] = [];
  let charged = 0n;
  const pool = new Senders(senders, { chain, policy: { senderFloorStrk: STRK, senderAlarmStrk: 5n * STRK }, now: () => clock.now(), onAlarm: (alarm) => alarms.push(alarm) });
  const dispatcher = new Dispatcher({ chain, senders: pool, clock, metrics, maxFriPerAction, onCharge: (fri) => (charged += fri) });
  const log: string[] = [];
  let count = 0;
  /** Queues an action and logs what becomes of it; its outside nonce is its number. */
  const act = async (label = `#${count + 1}`, calls?: ChainCall[]) => {
    const nonce = toFelt(++count);
    const sender = senders[0] ?? '0xa1';
    const estimate: Estimate = await chain.simulate(sender, [callOf(toFelt(1_000_000 + count))]);
    dispatcher.enqueue({
      calls: calls ?? [callOf(nonce)],
      estimate,
      simulatedAt: clock.now(),
      sent: (transaction) => log.push(`${label} sent ${transaction}`),
      settled: ({ fri, reverted }) => log.push(`${label} ${reverted ? 'reverted' : 'done'} ${fri}`),
      failed: ({ code }) => log.push(`${label} failed ${code}`),
    });
    return nonce;
  };
  return { chain, clock, metrics, pool, dispatcher, log, alarms, act, charged: () => charged, outcomes: () => log.filter((line) => !line.includes(' sent ')) };
}

describe('Dispatcher', () => {
  it('sends an action alone when a sender is free, with the simulation it came with', async () => {
    const { chain, act, outcomes, metrics } = setup();
    await act();
    const before = chain.simulations;
    await settle();
    expect(outcomes()).toEqual(['#1 done 10000000']);
    expect(chain.simulations).toBe(before);
    expect(metrics.sent).toBe(1);
  });

  it('puts what waits for a busy sender into one transaction, and divides its fee exactly', async () => {
    const { chain, clock, act, log, outcomes, metrics } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    for (let n = 0; n < 5; n++) await act();
    chain.land();
    await pass(clock, 5_000);
    expect(metrics.sent).toBe(2);
    expect(new Set(log.filter((line) => line.includes(' sent ')).map((line) => line.split(' ')[2])).size).toBe(2);
    expect(outcomes()).toEqual(['#1', '#2', '#3', '#4', '#5', '#6'].map((label) => `${label} done 10000000`));
  });

  it(`puts at most ${MAX_BATCH} into one, and keeps at most ${MAX_QUEUE} waiting`, async () => {
    const { chain, clock, act, metrics, dispatcher, outcomes } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    for (let n = 0; n < MAX_QUEUE; n++) await act();
    await expect(act()).rejects.toThrow(expect.objectContaining({ code: 'queue-full' }));
    expect(dispatcher.queued).toBe(MAX_QUEUE);
    chain.land();
    await pass(clock, 60_000);
    expect(metrics.sent).toBe(1 + MAX_QUEUE / MAX_BATCH);
    expect(outcomes()).toHaveLength(1 + MAX_QUEUE);
  });

  it('takes the one that would revert out of its transaction, before anything is signed (SPEC Y5)', async () => {
    const { chain, clock, act, outcomes, metrics } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    for (let n = 0; n < 6; n++) await act();
    chain.bad.add('0x4');
    chain.land();
    await pass(clock, 5_000);
    expect(outcomes().filter((line) => !line.includes('done'))).toEqual(['#4 failed execution-error']);
    expect(outcomes().filter((line) => line.includes('done'))).toHaveLength(6);
    expect(metrics.reverted).toBe(0);
    expect(chain.signed).toBe(2);
  });

  it('lets two that revert only beside each other go one after the other', async () => {
    const { chain, clock, act, outcomes } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    await act('first', [callOf('0x77')]);
    await act('second', [callOf('0x77')]);
    await act('third');
    chain.land();
    await pass(clock, 120_000);
    expect(outcomes().toSorted()).toEqual(['#1 done 10000000', 'first done 10000000', 'second failed execution-error', 'third done 10000000']);
  });

  it('sends each alone after a transaction of several reverted although its simulation passed; only the bad one pays', async () => {
    const { chain, clock, act, outcomes, metrics, charged } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    for (let n = 0; n < 3; n++) await act();
    chain.badOnChain.add('0x3');
    chain.land();
    await pass(clock, 20_000);
    expect(outcomes().toSorted()).toEqual(['#1 done 10000000', '#2 done 10000000', '#3 reverted 10000000', '#4 done 10000000']);
    expect(charged()).toBe(30_000_000n);
    expect(metrics.reverted).toBe(2);
  });

  it('recovers its nonce after a transaction was dropped, and sends the action again', async () => {
    const { chain, clock, act, log, metrics } = setup();
    chain.submits.push('drop');
    await act();
    await settle();
    const [sent] = log;
    await pass(clock, DROPPED_AFTER_MS + COOL_DOWN_MS + 5_000);
    expect(metrics.dropped).toBe(1);
    expect(log).toEqual([sent, sent, '#1 done 10000000']);
    expect(chain.nonces.get('0xa1')).toBe(1n);
  });

  it('takes another nonce when somebody else used the account', async () => {
    const { chain, clock, act, outcomes } = setup();
    await act();
    await settle();
    chain.nonces.set('0xa1', 7n);
    await act();
    await pass(clock, 1_000);
    expect(outcomes()).toEqual(['#1 done 10000000', '#2 done 10000000']);
    expect(chain.nonces.get('0xa1')).toBe(8n);
  });

  it('sends nothing twice when the answer to a submission was lost', async () => {
    const { chain, clock, act, outcomes } = setup();
    chain.submits.push('lose');
    await act();
    await pass(clock, 10_000);
    expect(outcomes()).toEqual(['#1 done 10000000']);
    expect(chain.transactions.size).toBe(1);
    expect(chain.signed).toBe(1);
  });

  it('goes to another sender when the node refuses one, and gives up after three', async () => {
    const { chain, clock, act, outcomes } = setup({ senders: ['0xa1', '0xa2', '0xa3', '0xa4'] });
    chain.submits.push('refuse');
    await act();
    await pass(clock, 1_000);
    expect(outcomes()).toEqual(['#1 done 10000000']);
    chain.submits.push('refuse', 'refuse', 'refuse');
    await act();
    await pass(clock, 2 * COOL_DOWN_MS);
    expect(outcomes()[1]).toBe('#2 failed no-sender');
  });

  it('uses several senders at once, each with its own nonces', async () => {
    const { chain, clock, act, metrics, pool, outcomes } = setup({ senders: ['0xa1', '0xa2'] });
    chain.submits.push('hold', 'hold');
    await act();
    await act();
    await settle();
    expect(metrics.sent).toBe(2);
    expect(pool.busy).toBe(2);
    chain.land();
    await pass(clock, 5_000);
    expect(outcomes()).toHaveLength(2);
    expect([chain.nonces.get('0xa1'), chain.nonces.get('0xa2')]).toEqual([1n, 1n]);
  });

  it('signs nothing when the price has risen over what the policy allows', async () => {
    const { chain, clock, act, outcomes } = setup({ maxFriPerAction: 30_000_000n });
    chain.submits.push('hold');
    await act();
    await settle();
    await act();
    chain.gasPrice = 1_000n;
    await pass(clock, SIMULATION_FRESH_MS);
    chain.land();
    await pass(clock, 5_000);
    expect(outcomes()).toEqual(['#1 done 1000000000', '#2 failed gas-spike']);
    expect(chain.signed).toBe(1);
  });

  it('fails what waits when the node falls silent before anything was signed', async () => {
    const { chain, act, outcomes } = setup();
    await act();
    chain.down = unavailable();
    await settle();
    expect(outcomes()).toEqual(['#1 failed node-unavailable']);
    expect(chain.signed).toBe(0);
  });

  it('tells the operator when a sender runs low, and uses none below the floor', async () => {
    const { chain, clock, act, alarms, outcomes } = setup();
    chain.balances.set('0xa1', 3n * STRK);
    await act();
    await settle();
    expect(alarms).toEqual([{ sender: '0xa1', balance: 3n * STRK, usable: true }]);
    chain.balances.set('0xa1', STRK - 1n);
    await pass(clock, BALANCE_FRESH_MS);
    await act();
    await settle();
    expect(alarms.at(-1)).toEqual({ sender: '0xa1', balance: STRK - 1n, usable: false });
    expect(outcomes()).toEqual(['#1 done 10000000', '#2 failed no-sender']);
  });

  it('fails what waits when it is closed, and stops looking at what is under way', async () => {
    const { chain, act, dispatcher, outcomes, charged } = setup();
    chain.submits.push('hold');
    await act();
    await settle();
    await act();
    await dispatcher.close();
    expect(outcomes()).toEqual(['#2 failed closing']);
    expect(charged()).toBe(10_000_000n);
    await expect(act()).rejects.toThrow(expect.objectContaining({ code: 'closing' }));
  });
});
