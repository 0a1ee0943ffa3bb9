import fc from 'fast-check';
import { expect, it } from 'vitest';
import { climb } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { EVERY_MS, SettledNetwork, WORKERS } from './settled-network.fixture.ts';
import type { NodeId } from '@ciro/core/ids.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`settlement: seed ${seed}`);

const ACCOUNTS = WORKERS.map(({ account }) => account);
const nodeAt = (index: number): NodeId => WORKERS[index]?.node ?? ('' as NodeId);
/** Hundreds of lives of the service: three seconds on an idle machine, and far more on cores that others use. */
const MANY_LIVES_MS = 300_000;

/** Chain and ledger agree to the unit: every account was paid what its worker was settled, and what is left is payable. */
async function expectReconciled({ ledger, chain, ledgerStore }: SettledNetwork): Promise<void> {
  await verifyChain(ledgerStore);
  const earned = await ledger.earned();
  for (const [index, { node }] of WORKERS.entries()) expect(chain.paid.get(ACCOUNTS[index] ?? '') ?? 0n).toBe(earned.get(node)?.settled ?? 0n);
  expect(chain.payments.reduce((sum, { amount }) => sum + amount, 0n)).toBe([...chain.paid.values()].reduce((sum, amount) => sum + amount, 0n));
}

it('X7, X8, M10: what was earned is closed, posted, claimable, pushed and settled, and then there is nothing to do', async () => {
  const network = new SettledNetwork();
  await network.earn(10, 20, 30);
  await network.run(6);
  expect(network.types()).toEqual(['closed', 'posted', 'confirmed', 'claimable', 'pushed', 'settled', 'settled', 'settled']);
  expect([...(await network.ledger.earned()).values()].map(({ payable }) => payable)).toEqual([0n, 0n, 0n]);
  expect(network.errors).toEqual([]);
  await expectReconciled(network);
  await network.run(10);
  expect(network.events).toHaveLength(8);
  expect(verifyEpoch(await network.settlement.epoch(1)).verdict).toBe('verified');
});

it('X7: the next epoch comes when its time is over and something changed, or at once for enough payees; its leaves are cumulative', async () => {
  const network = new SettledNetwork({ options: { everyMs: 10 * EVERY_MS, maxChanged: 3 } });
  await network.earn(10, 20);
  await network.run(8);
  await network.earn(5);
  await network.run(8);
  expect((await network.settlement.epochs(9)).map(({ summary }) => summary.epoch)).toEqual([1]);
  network.clock.advance(10 * EVERY_MS);
  await network.run(8);
  expect((await network.settlement.epoch(2))?.entries.map(({ cumulative }) => cumulative).sort()).toEqual(['15', '20']);
  await network.earnPaid(1, 1, 1);
  await network.run(8);
  expect((await network.settlement.epochs(9)).map(({ summary }) => summary.epoch)).toEqual([3, 2, 1]);
  await expectReconciled(network);
});

it('X7: an epoch that is not backed is refused by its amounts, nothing is stored, and it is closed once the contract is funded', async () => {
  const network = new SettledNetwork({ balance: 59n });
  await network.earn(10, 20, 30);
  await network.run(3);
  expect(network.errors[0]).toMatchObject({ code: 'unbacked', fields: { total: '60', balance: '59', paid: '0' } });
  expect(await network.settlement.epochs(9)).toEqual([]);
  // Another total is no news, what the contract holds is.
  await network.earn(0, 1);
  await network.run(3);
  expect(network.errors).toHaveLength(1);
  network.chain.fund(1n);
  await network.run(3);
  expect(network.errors).toHaveLength(2);
  expect(network.errors[1]).toMatchObject({ code: 'unbacked', fields: { total: '61', balance: '60' } });
  network.chain.fund(1n);
  await network.run(6);
  // What was paid backs the next total: 61 are paid, 1 is to come.
  network.chain.fund(1n);
  network.clock.advance(EVERY_MS);
  await network.earn(1);
  await network.run(6);
  expect((await network.settlement.epochs(9)).map(({ state }) => state)).toEqual(['claimable', 'claimable']);
  await expectReconciled(network);
});

it('X8: a veto ends an epoch: nobody is paid from it, and the next one says what is owed', async () => {
  const network = new SettledNetwork();
  await network.earn(10, 20);
  await network.run(2);
  network.chain.veto(1);
  await network.run(2);
  expect(network.types().slice(0, 4)).toEqual(['closed', 'posted', 'confirmed', 'vetoed']);
  expect(network.chain.payments).toEqual([]);
  await network.run(8);
  expect((await network.settlement.epochs(9)).map(({ state }) => state)).toEqual(['claimable', 'vetoed']);
  await expectReconciled(network);
});

it('X8: a block that is taken back is noticed: the epoch is posted again and paid once', async () => {
  const network = new SettledNetwork();
  await network.earn(10, 20);
  await network.run(2);
  expect(network.types()).toContain('confirmed');
  network.chain.reorganise(1);
  await network.run(8);
  expect(network.types().filter((type) => type === 'reorganised' || type === 'posted')).toEqual(['posted', 'reorganised', 'posted']);
  expect(network.chain.payments.map(({ amount }) => amount).sort()).toEqual([10n, 20n]);
  await expectReconciled(network);
});

it('X8: a push whose block is taken back is pushed again', async () => {
  const network = new SettledNetwork({ options: { pushFrom: 1n } });
  await network.earn(10, 20);
  while (!network.types().includes('pushed')) await network.run(1);
  network.chain.reorganise(1);
  network.clock.advance(6 * 60_000);
  await network.run(6);
  expect(network.types().filter((type) => type === 'pushed')).toHaveLength(2);
  await expectReconciled(network);
});

it('X7: another root under our number stops everything, and says so', async () => {
  const network = new SettledNetwork();
  await network.earn(10);
  await network.settlement.step();
  const stranger = new SettledNetwork();
  await stranger.earn(99);
  await stranger.run(1);
  const foreign = (await stranger.settlement.epochs(1))[0];
  if (foreign === undefined) throw new Error('the stranger has no epoch');
  network.chain.mine();
  network.chain.reorganise(1);
  await network.chain.postEpoch(foreign.summary);
  await network.run(3);
  expect(network.errors.at(-1)).toMatchObject({ code: 'foreign-root', fields: { epoch: 1 } });
  expect(network.chain.payments).toEqual([]);
});

it('X8: less than the threshold is not pushed, and settles when its owner claims', async () => {
  const network = new SettledNetwork({ options: { pushFrom: 15n } });
  await network.earn(10, 20, 0, 1, 1);
  await network.run(8);
  const paid = new Set(network.chain.payments.map(({ account }) => account));
  expect(paid.has(ACCOUNTS[1] ?? '')).toBe(true);
  const poor = ACCOUNTS.find((account, index) => index !== 1 && index !== 2 && !paid.has(account)) ?? '';
  const own = await network.settlement.proof(1, poor);
  const epoch = await network.settlement.epoch(1);
  if (own === undefined || epoch === undefined) throw new Error('no proof');
  expect(climb(leafHasher(network.chain)(BigInt(poor), BigInt(own.cumulative)), own.index, own.proof.map(BigInt))).toBe(BigInt(epoch.root));
  await network.chain.claimGroups([{ epoch: 1, first: own.index, items: [{ account: poor, cumulative: BigInt(own.cumulative) }], proof: own.proof.map(BigInt) }]);
  await network.run(4);
  await expectReconciled(network);
  expect(await network.settlement.proof(1, '0x123')).toBeUndefined();
  expect(await network.settlement.proof(2, poor)).toBeUndefined();
});

it('X5: a correction lowers the next leaf and is named there; what was paid stays paid, and the payee is paid again only above it', async () => {
  const network = new SettledNetwork({ options: { pushFrom: 1_000n } });
  await network.earn(10, 20);
  await network.run(6);
  await network.settlement.correct('case 5', nodeAt(1), 12n);
  await network.settlement.correct('case 5', nodeAt(1), 12n);
  await network.run(6);
  const [first, second] = [await network.settlement.epoch(1), await network.settlement.epoch(2)];
  expect(second?.corrections).toEqual([{ account: ACCOUNTS[1], by: '12', name: 'case 5' }]);
  expect(second?.total).toBe('18');
  expect(verifyEpoch(second, { before: first }).verdict).toBe('verified');
  expect(network.errors).toEqual([]);
});

it('X5: a ledger that lost what it had earned makes no epoch', async () => {
  const network = new SettledNetwork({ options: { pushFrom: null } });
  await network.earn(10, 20);
  await network.run(4);
  await network.ledger.correct('unknown to settlement', nodeAt(0), 3n);
  await network.run(6);
  expect(network.errors[0]).toMatchObject({ name: 'SettlementError', code: 'fell' });
  expect(await network.settlement.epochs(9)).toHaveLength(1);
});

it('M10: a chain that paid more than was earned is an alarm for that payee, and the others are settled', async () => {
  const network = new SettledNetwork();
  const honest = network.chain.paidOf.bind(network.chain);
  network.chain.paidOf = async (accounts) => (await honest(accounts)).map((paid, index) => (accounts[index] === ACCOUNTS[0] && paid > 0n ? paid + 1n : paid));
  await network.earn(10, 20);
  await network.run(6);
  expect(network.errors[0]).toMatchObject({ name: 'LedgerError', code: 'insufficient' });
  const earned = await network.ledger.earned();
  expect([earned.get(nodeAt(0)), earned.get(nodeAt(1))]).toEqual([{ payable: 10n, settled: 0n }, { payable: 0n, settled: 20n }]);
});

it('a worker whose identity key nobody knows makes no epoch: its amount would fall', async () => {
  const network = new SettledNetwork();
  await network.ledger.start();
  await network.earn(10);
  const unknown = await network.ledger.earned();
  network.ledger.statement = async () => ({ earned: new Map([...unknown, ['f'.repeat(40) as NodeId, { payable: 5n, settled: 0n }]]), head: await network.ledger.head() });
  await network.run(2);
  expect(network.errors[0]).toMatchObject({ code: 'no-address' });
});

it('X7: it looks again and again by its clock, and no more once it is closed', async () => {
  const network = new SettledNetwork();
  await network.earn(10);
  network.settlement.start();
  await expect.poll(() => network.types()).toEqual(['closed', 'posted']);
  await network.settlement.close();
  network.chain.mine();
  network.clock.advance(EVERY_MS);
  expect(network.clock.pending).toBe(0);
  expect(network.types()).toEqual(['closed', 'posted']);
});

/** All that must hold once the service was left to itself: everything earned was paid, once, from epochs in order that follow each other. */
async function expectComplete(network: SettledNetwork): Promise<void> {
  await expectReconciled(network);
  for (const { payable } of (await network.ledger.earned()).values()) expect(payable).toBe(0n);
  const epochs = [...(await network.settlement.epochs(100))].reverse();
  expect(epochs.map(({ summary }) => summary.epoch)).toEqual(epochs.map((_, index) => index + 1));
  for (const { summary, state } of epochs) {
    expect(state).toBe('claimable');
    expect((await network.chain.epochInfo(summary.epoch))?.root).toBe(summary.root);
  }
  const all = await Promise.all(epochs.map(({ summary }) => network.settlement.epoch(summary.epoch)));
  for (const [index, epoch] of all.entries()) expect(verifyEpoch(epoch, index === 0 ? {} : { before: all[index - 1] }).verdict).toBe('verified');
}

/** A death: once `left` steps are gone the next one fails, and all after it until the service is started again. */
class Death {
  left: number | null = null;
  killedAt: string | undefined;

  readonly crash = (step: string): void => {
    if (this.left === null) return;
    if (this.left > 0) this.left--;
    else {
      this.killedAt ??= step;
      throw new Error(`killed at ${step}`);
    }
  };
}

/** `dieAt`: steps of the look that are survived. */
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('earn' as const), amounts: fc.array(fc.nat(50), { minLength: 1, maxLength: 5 }) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('look' as const), dieAt: fc.option(fc.nat(14), { nil: null }) }) },
  { weight: 2, arbitrary: fc.constant({ type: 'mine' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reorganise' as const), count: fc.integer({ min: 1, max: 2 }) }) },
);

it('X7, X8, M10: killed at each single step of two epochs, before or after it took effect, it loses nothing and doubles nothing', { timeout: MANY_LIVES_MS }, async () => {
  const killedAt = new Set<string>();
  for (let survived = 0, died = true; died; survived++) {
    const death = new Death();
    const network = new SettledNetwork({ crash: death.crash });
    await network.earn(10, 20);
    for (let look = 0, left: number | null = survived; look < 14; look++) {
      if (look === 5) await network.earn(0, 1, 7);
      death.left = left;
      await network.settlement.step();
      left = death.killedAt === undefined ? death.left : null;
      death.left = null;
      if (death.killedAt !== undefined) network.restart();
      network.chain.mine();
      network.chain.time += 30;
      network.clock.advance(30_000);
    }
    died = death.killedAt !== undefined;
    if (death.killedAt !== undefined) killedAt.add(death.killedAt);
    network.clock.advance(6 * 60_000);
    await network.run(12);
    await expectComplete(network);
    expect(network.chain.posts).toBe((await network.settlement.epochs(9)).length);
  }
  const every = ['chain birth', 'store book', 'store booked', 'store bind', 'store bound', 'store close', 'store closed', 'store mark', 'store marked', 'chain post', 'chain post sent', 'chain info', 'chain claim', 'chain claim sent', 'ledger append', 'ledger balances', 'ledger commit'];
  expect([...killedAt].sort()).toEqual(every.sort());
});

it('X7, X8, M10: killed again and again, between earnings, blocks and reorganisations, it loses nothing and doubles nothing', { timeout: MANY_LIVES_MS }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
      const death = new Death();
      const network = new SettledNetwork({ crash: death.crash });
      for (const each of operations) {
        if (each.type === 'earn') {
          if (each.amounts.some((amount) => amount > 0)) await network.earn(...each.amounts);
        } else if (each.type === 'mine') network.chain.mine();
        else if (each.type === 'reorganise') {
          // Blocks that claims were settled by lie deeper than any reorganisation.
          if (network.chain.payments.length === 0) network.chain.reorganise(each.count);
        } else {
          death.left = each.dieAt;
          await network.settlement.step();
          if (death.left !== null) network.restart();
          death.left = null;
          network.clock.advance(40_000);
          network.chain.time += 40;
        }
      }
      network.restart();
      network.clock.advance(6 * 60_000);
      await network.run(30);
      await expectComplete(network);
    }),
    { seed, numRuns: 40 },
  );
});

it('X9: whom the contract has never paid is left to its own claim for a while; then a push pays it, and later ones at once', async () => {
  const network = new SettledNetwork({ options: { ownClaimMs: 600_000 } });
  await network.earn(10, 20);
  await network.run(4);
  const epoch = await network.settlement.epoch(1);
  const own = await network.settlement.proof(1, ACCOUNTS[0] ?? '');
  if (epoch === undefined || own === undefined) throw new Error('no proof');
  expect([network.types().at(-1), network.chain.payments]).toEqual(['claimable', []]);
  await network.chain.claimGroups([{ epoch: 1, first: own.index, items: [{ account: own.account, cumulative: BigInt(own.cumulative) }], proof: own.proof.map(BigInt) }]);
  await network.run(3);
  expect(network.types()).toEqual(['closed', 'posted', 'confirmed', 'claimable', 'settled']);
  // Who was paid before is pushed in the next epoch, while the other's time has not come.
  await network.earn(5);
  await network.run(8);
  expect(network.chain.paid.get(ACCOUNTS[0] ?? '')).toBe(15n);
  expect(network.chain.paid.get(ACCOUNTS[1] ?? '')).toBeUndefined();
  network.clock.advance(600_000);
  await network.run(4);
  expect(network.chain.paid.get(ACCOUNTS[1] ?? '')).toBe(20n);
  await expectReconciled(network);
});

it('X10: a local chain that began anew owes what was not settled; what the old one paid stays settled', async () => {
  const network = new SettledNetwork({ options: { mayBeginAnew: true } });
  await network.earn(10, 20);
  await network.run(8);
  await network.earn(0, 7);
  await network.run(1);
  const closed = (await network.settlement.epochs(9)).length;
  network.chain.beginAnew(10n ** 30n);
  await network.restart().step();
  await network.earn(3);
  await network.run(10);
  expect([closed, network.types().filter((type) => type === 'began-anew')]).toEqual([2, ['began-anew']]);
  expect((await network.settlement.epochs(9)).map(({ summary, state }) => [summary.epoch, state]).reverse()[0]).toEqual([1, 'claimable']);
  expect([0, 1].map((index) => network.chain.paid.get(ACCOUNTS[index] ?? ''))).toEqual([3n, 7n]);
  const earned = await network.ledger.earned();
  expect([0, 1].map((index) => earned.get(nodeAt(index)))).toEqual([{ payable: 0n, settled: 13n }, { payable: 0n, settled: 27n }]);
  await verifyChain(network.ledgerStore);
  expect(network.errors).toEqual([]);
});

it('X10: any other chain that is not the one of the stored epochs is refused by name, and nothing is closed, posted or paid there', async () => {
  const network = new SettledNetwork();
  await network.earn(10);
  await network.run(8);
  network.chain.beginAnew(10n ** 30n);
  await network.earn(5);
  await network.run(5);
  expect(network.errors).toHaveLength(1);
  expect(network.errors[0]).toMatchObject({ code: 'foreign-chain', fields: { expected: '0xb1', found: '0xb2' } });
  expect([network.chain.posts, network.chain.paid.size, (await network.settlement.epochs(9)).length]).toEqual([1, 0, 1]);
});

it('X8: while the node does not answer the ledger goes on, one error tells it, and everything is settled when it answers', async () => {
  let silent = false;
  const network = new SettledNetwork({ crash: (step) => {
    if (silent && step.startsWith('chain')) throw new Error('the node does not answer');
  } });
  await network.earn(10, 20);
  await network.run(2);
  silent = true;
  await network.run(3);
  await network.earn(1, 2, 3);
  await network.run(3);
  expect(network.errors).toHaveLength(1);
  silent = false;
  await network.run(8);
  expect(network.errors).toHaveLength(1);
  expect([...(await network.ledger.earned()).values()].map(({ payable }) => payable)).toEqual([0n, 0n, 0n]);
  await expectReconciled(network);
});

it('payOut closes an epoch before its time, and resolves when everybody who was owed something has it', async () => {
  const network = new SettledNetwork({ options: { everyMs: 1_000 * EVERY_MS } });
  network.clock.advance(1_000 * EVERY_MS);
  await network.earn(10);
  await network.run(8);
  await network.earn(5, 6);
  await network.run(8);
  expect(await network.settlement.epochs(9)).toHaveLength(1);
  const paid = network.settlement.payOut(AbortSignal.timeout(MANY_LIVES_MS));
  await network.run(8);
  expect(await paid).toEqual([{ worker: nodeAt(0), account: ACCOUNTS[0], credits: 5n }, { worker: nodeAt(1), account: ACCOUNTS[1], credits: 6n }]);
  await expectReconciled(network);
  expect(await network.settlement.payOut(AbortSignal.timeout(MANY_LIVES_MS))).toEqual([]);
  await network.earn(1);
  const told = new AbortController();
  const waiting = network.settlement.payOut(told.signal);
  told.abort(new Error('told to'));
  await expect(waiting).rejects.toThrow('told to');
});
