/**
 * Run by tests/integration/killed-settlement.test.ts: settles over the database in a folder (first argument) and a chain that the parent keeps, and kills
 * its own process, SIGKILL, at a step (second argument); without one it goes on until nothing is owed. Third argument: how many jobs have been answered.
 */
import { treeOf } from '@ciro/core/settlement/epoch.ts';
import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { Ledger } from '../../signaling/src/ledger/ledger.ts';
import { Settlement } from '../../signaling/src/settlement/settlement.ts';
import { WORKERS } from '../../signaling/src/settlement/settled-network.fixture.ts';
import { openStore } from '../../signaling/src/store/open-store.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { LedgerStore, LedgerTransaction } from '../../signaling/src/ledger/ledger-store.ts';
import type { ChainPort, SettlementStore } from '../../signaling/src/settlement/ports.ts';
import type { ChainAnswer, ChainQuestion } from './told-chain.ts';

const [dataDir = '', wanted = '', jobs = '1'] = process.argv.slice(2);
/** Looks in one life; an epoch is paid and booked within six. */
const MAX_LOOKS = 20;
const LOOK_MS = 30_000;

let armed = false;
function reached(step: string): void {
  if (armed && step === wanted) process.kill(process.pid, 'SIGKILL');
}

const waiting = new Map<number, (answer: ChainAnswer) => void>();
process.on('message', (answer: ChainAnswer) => waiting.get(answer.id)?.(answer));
let asked = 0;
async function ask<T>(method: ChainQuestion['method'], args: readonly unknown[] = []): Promise<T> {
  const id = ++asked;
  const answer = await new Promise<ChainAnswer>((resolve) => {
    waiting.set(id, resolve);
    process.send?.({ id, method, args } satisfies ChainQuestion);
  });
  waiting.delete(id);
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.result as T;
}

async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  reached(`before ${name}`);
  const result = await run();
  reached(`after ${name}`);
  return result;
}

/** `target` with some of its methods in the place of its own. */
function withSteps<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

const { chainId, store: address, now } = await ask<{ chainId: string; store: string; now: number }>('about');
const chain: ChainPort = {
  chainId,
  store: address,
  birth: () => ask('birth'),
  postEpoch: (epoch) => step('post', () => ask('postEpoch', [epoch])),
  claimGroups: (groups) => step('claim', () => ask('claimGroups', [groups])),
  receipt: (transaction) => ask('receipt', [transaction]),
  epochInfo: (epoch) => ask('epochInfo', [epoch]),
  paidOf: (accounts) => ask('paidOf', [accounts]),
  funds: () => ask('funds'),
};
const opened = await openStore({ dataDir, onError: (error) => process.stderr.write(`${error.message}\n`) });
const outbox = withSteps<SettlementStore>(opened.settlement, {
  close: (...args: Parameters<SettlementStore['close']>) => step('close', () => opened.settlement.close(...args)),
  mark: (...args: Parameters<SettlementStore['mark']>) => step('mark', () => opened.settlement.mark(...args)),
});
const books = withSteps<LedgerStore>(opened.ledger, {
  exclusive: (work) => opened.ledger.exclusive((transaction) => work(withSteps<LedgerTransaction>(transaction, { append: (entry) => step(`append ${entry.kind}`, () => transaction.append(entry)) }))),
});
let time = now;
const clock = { now: () => time, after: () => () => undefined };
const ledger = new Ledger(books, { now: () => time });
await ledger.start();
await ledger.openTrial('ada');
// Whatever was booked in an earlier life is not booked again.
for (let job = 1; job <= Number(jobs); job++) {
  const id = job.toString(16).padStart(32, '0') as JobId;
  const credits = WORKERS.slice(0, 3).map(({ node }, index) => ({ worker: node, amount: BigInt(100 * job + index) }));
  const debit = credits.reduce((sum, { amount }) => sum + amount, 0n);
  await ledger.hold(id, 'ada', debit);
  await ledger.settle(id, { debit, fee: 0n, credits });
  for (const { node } of WORKERS.slice(0, 3)) await ledger.payable(id, node, 0n);
}
const settlement = new Settlement(
  { clock, chain, store: outbox, ledger, grower: { grow: async (epoch) => treeOf(epoch) }, identityKeys: async () => new Map(WORKERS.map(({ node, key }) => [node, key])), onEvent: () => undefined, onError: (error) => process.stderr.write(`${String(error)}\n`) },
  { network: 'ciro-test', rate: LAUNCH_RATE, everyMs: 0, maxChanged: 1, pushFrom: 1n, ownClaimMs: 0 },
);
armed = true;
for (let look = 0; look < MAX_LOOKS; look++) {
  await settlement.step();
  await ask('mine', [LOOK_MS / 1000]);
  time += LOOK_MS;
}
await opened.close();
process.disconnect();
