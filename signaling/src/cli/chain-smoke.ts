import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { actSponsored, workerAccount } from '@ciro/contracts/chain/sponsored.ts';
import { CiroError } from '@ciro/core/errors.ts';
import { identityPublicKey, nodeIdOf } from '@ciro/core/identity/identity.ts';
import { checkedPaymaster } from '@ciro/web/wallet/checked-paymaster.ts';
import { Ledger } from '../ledger/ledger.ts';
import { openSettlement } from '../open-settlement.ts';
import { openStore } from '../store/open-store.ts';
import { settlementLine } from './settlement-line.ts';
import type { StartedChain } from '@ciro/contracts/chain/local-chain.ts';
import type { Call, Receipt } from '@ciro/contracts/chain/starknet.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ChainSettings } from '../chain/chain-settings.ts';
import type { Relayer } from '../chain/start-relayer.ts';

/** The smoke found the chain wrong; the text says at which step. */
export class SmokeError extends CiroError<'wrong-balance' | 'not-settled'> {}

/** Credits that the worker is given for each of two epochs, base units. */
const EARNED = 5n * 10n ** 18n;
/** On an idle machine all of it takes seconds. */
const SETTLED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** The worker's own claim pays the first epoch, however long it takes. */
const OWN_CLAIM_MS = 3_600_000;
const NETWORK = 'ciro-smoke';

export interface SmokeParts {
  readonly chain: StartedChain;
  readonly settings: ChainSettings;
  readonly relayer: Relayer & { readonly url: string };
  /** Hears of each transaction of the relayer or settler, with what it took. */
  readonly sent: (step: string, receipt: Receipt) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * A worker that nobody knows, from its key to its tokens, by the coordinator's own ledger, settlement and relayer: it earns, an epoch is posted,
 * its account is deployed with its first claim in one transaction that the relayer pays, and the next epoch is pushed to it. Throws SmokeError,
 * ChainError, or what any of them throws.
 */
export async function chainSmoke({ chain: { chain, plan }, settings, relayer, sent, say, signal }: SmokeParts): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-smoke-'));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const store = await openStore({ dataDir: folder, onError: (error) => say(error.message) });
  undo.defer(() => store.close());
  const ledger = new Ledger(store.ledger, { now: Date.now });
  await ledger.start();

  // A Stark key below 2^250, as a tab makes one at its first visit.
  const privateKey = felt(BigInt(`0x${randomBytes(31).toString('hex')}`));
  const key = identityPublicKey(privateKey);
  const [node, worker] = [nodeIdOf(key), workerAccount(privateKey)];
  const transactions: string[] = [];
  const settlement = openSettlement(
    {
      ...settings.settlement,
      epochEveryMs: 0,
      lookEveryMs: LOOK_EVERY_MS,
      ownClaimMs: OWN_CLAIM_MS,
      mayBeginAnew: true,
      onSettlement: (event) => {
        say(settlementLine(event));
        if ((event.type === 'posted' || event.type === 'pushed') && event.transaction !== null) transactions.push(event.transaction);
      },
    },
    { network: NETWORK, ledger, store, identityKeys: async () => new Map([[node as string, key]]), onError: (error) => say(error instanceof Error ? error.message : String(error)) },
    undo,
  );
  settlement.start();
  await ledger.openTrial(NETWORK);
  const earn = async (): Promise<void> => {
    const job = randomBytes(16).toString('hex') as JobId;
    await ledger.hold(job, NETWORK, EARNED);
    await ledger.settle(job, { debit: EARNED, fee: 0n, credits: [{ worker: node, amount: EARNED }] });
    await ledger.payable(job, node, 0n);
  };
  const balance = async (token: `0x${string}`): Promise<bigint> => BigInt((await chain.view({ to: token, entrypoint: 'balance_of', calldata: [worker.address] }))[0] ?? 0);
  const settled = async (amount: bigint): Promise<void> => {
    await until(async () => (await ledger.earned()).get(node)?.settled === amount, `the ledger has not settled ${amount} base units of worker ${node}`, signal);
    const held = await balance(plan.addresses.CiroToken);
    if (held !== amount) throw new SmokeError('wrong-balance', `account ${worker.address} holds ${held} base units of CIRO, and ${amount} were settled`, { fault: 'bug', fields: { held: String(held), amount: String(amount) } });
  };

  await earn();
  await until(async () => (await settlement.epochs(1))[0]?.state === 'claimable', 'the epoch is not claimable', signal);
  const proof = await settlement.proof(1, worker.address);
  if (proof === undefined) throw new SmokeError('not-settled', `epoch 1 has no proof for ${worker.address}`, { fault: 'bug' });
  const claim: Call = { to: plan.addresses.CommitmentStore, entrypoint: 'claim', calldata: [felt(1), felt(proof.index), worker.address, felt(proof.cumulative), felt(proof.proof.length), ...proof.proof.map(felt)] };
  const door = { url: relayer.url, ticket: relayer.issueTicket(worker.address), check: (inner: Parameters<typeof checkedPaymaster>[0]) => checkedPaymaster(inner, { forwarder: settings.door.forwarder, chainId: settings.door.chainId, now: Date.now }) };
  const first = await actSponsored(chain, worker, door, [claim], true, 'account and first claim, sponsored');
  await settled(EARNED);
  const again = await actSponsored(chain, worker, door, [claim], false, 'the same claim again, which pays nothing');
  await earn();
  await settled(2n * EARNED);
  const stark = await balance(plan.network.tokens.stake);
  if (stark !== 0n) throw new SmokeError('wrong-balance', `the worker holds ${stark} fri, and nobody gave it any`, { fault: 'bug' });

  const names = ['epoch 1 posted', 'epoch 2 posted', 'its amount pushed to the worker'];
  for (const [at, hash] of transactions.entries()) sent(names[at] ?? 'settlement', await chain.receipt(felt(hash), names[at] ?? 'settlement', performance.now()));
  sent('account and first claim, sponsored', first);
  sent('the same claim again, which pays nothing', again);
}

/** Asks again and again until it holds. */
async function until(holds: () => Promise<boolean>, otherwise: string, signal: AbortSignal): Promise<void> {
  const late = performance.now() + SETTLED_WITHIN_MS;
  while (!(await holds())) {
    signal.throwIfAborted();
    if (performance.now() > late) throw new SmokeError('not-settled', `${otherwise} after ${SETTLED_WITHIN_MS / 1000} s`, { fault: 'timeout' });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
