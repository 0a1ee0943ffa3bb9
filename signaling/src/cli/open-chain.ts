import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeChainFile } from '@ciro/contracts/chain/chain-file.ts';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { HOW_TO_HAVE_A_DEVNET, findDevnet } from '@ciro/contracts/chain/find-devnet.ts';
import { chainSettingsOf, readChainFile } from '../chain/chain-settings.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import { openRelayer } from '../open-relayer.ts';
import { whyNotTheChain } from './answering-chain.ts';
import { strk } from './chain-table.ts';
import { openDisputes } from './open-disputes.ts';
import { openEscrow } from './open-escrow.ts';
import { startOwnChain } from './own-chain.ts';
import { settlementLine } from './settlement-line.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { ChainFile } from '../chain/chain-settings.ts';
import type { CoordinatorOptions } from '../coordinator-options.ts';
import type { SettlementEvent } from '../settlement/ports.ts';
import type { Payment } from '../settlement/settlement.ts';
import type { OwnChain } from './own-chain.ts';

/** On a chain of this machine nobody waits an hour for a block to be worth its fee, nor ten minutes for a payee's own claim. */
const LOCAL = { epochEveryMs: 30_000, lookEveryMs: 500, ownClaimMs: 5_000, mayBeginAnew: true } as const;
/** The chain that a coordinator works with, its parts ready to be given to `startCoordinator`; empty without one. */
export interface OpenedChain extends AsyncDisposable {
  readonly environment: Pick<CoordinatorOptions, 'chain' | 'disputes' | 'escrow' | 'paymaster' | 'tickets'>;
  /** Undefined without a chain. */
  readonly door?: ChainDoor;
  /** The file that names it: the given one, or `chain.json` of the data folder while a chain of our own runs. Undefined without a chain. */
  readonly path?: string;
  readonly local: boolean;
  /** Who was paid since it was opened, and how much. */
  readonly paid: ReadonlyMap<NodeId, Payment>;
  /** Resolves when the contracts are there; rejects when a chain of our own could not be deployed. */
  readonly deployed: Promise<void>;
  /** Rejects when a chain of our own could not be deployed, or ended; never resolves. */
  readonly failed: Promise<never>;
}

export interface OpenChainOptions {
  /** `.ciro/chain.json`. */
  readonly path: string;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

const NEVER = new Promise<never>(() => undefined);
const none: OpenedChain = { environment: {}, local: false, paid: new Map(), deployed: Promise.resolve(), failed: NEVER, [Symbol.asyncDispose]: async () => undefined };

/**
 * The chain that `.ciro/chain.json` names when its node answers, else one of our own where a devnet is installed; nothing is fetched for it.
 * One line says which, or where credits stay. Throws ChainError, ChainSettingsError, RelayerSettingsError: a network that is named has to work.
 */
export async function openChain(options: OpenChainOptions): Promise<OpenedChain> {
  const { path, env, report, signal } = options;
  const file = await readChainFile(path);
  if (file !== undefined) {
    const reason = await whyNotTheChain(file, '.ciro/chain.json', signal);
    if (reason === undefined) return { ...(await connect(file, env, undefined, options)), path };
    report(`the local chain of .ciro/chain.json is not used: ${reason}`);
  }
  const devnet = await findDevnet(env, cacheFolder());
  if (devnet === undefined) {
    report(`no chain: credits stay in the ledger (${HOW_TO_HAVE_A_DEVNET})`);
    return none;
  }
  let own: OwnChain;
  try {
    own = await startOwnChain(devnet.binary, signal);
  } catch (error) {
    signal.throwIfAborted();
    report(`no chain: credits stay in the ledger (${error instanceof Error ? error.message : String(error)})`);
    return none;
  }
  const ownPath = join(options.dataDir, 'chain.json');
  const end = async (): Promise<void> => {
    await rm(ownPath, { force: true });
    await own[Symbol.asyncDispose]();
  };
  try {
    await writeChainFile(ownPath, own.file);
    // Its keys are the devnet's, whatever the environment has for another chain.
    const connected = await connect(own.file, {}, own, options);
    return {
      ...connected,
      path: ownPath,
      async [Symbol.asyncDispose]() {
        await connected[Symbol.asyncDispose]();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function connect(file: ChainFile, env: NodeJS.ProcessEnv, own: OwnChain | undefined, { dataDir, report }: OpenChainOptions): Promise<OpenedChain> {
  const { settlement, door, publicDoor, local, relayer: paying } = await chainSettingsOf(file, env);
  const relayer = paying === undefined ? undefined : await openRelayer(paying, {
    dataDir,
    onAlarm: ({ sender, balance, usable }) => report(`relayer ${sender} holds ${strk(balance)} STRK${usable ? '' : ', too little to send anything'}; send it more`),
    onError: (error) => report(`relayer: ${error instanceof Error ? error.message : String(error)}`),
  });
  report(`workers are paid by contract ${settlement.store} ${own === undefined ? `over ${settlement.rpc}` : 'on a local chain of this command'}${relayer === undefined ? '; nobody pays for their own transactions (CIRO_RELAYER_KEYS, CIRO_PAYMASTER_URL)' : '; a relayer pays their gas'}`);
  if (publicDoor.rpc === undefined) report('clients read the chain through this coordinator alone: CIRO_PUBLIC_RPC names a node that anybody may use');
  const disputes = await openDisputes(file, env, report, own?.deployed);
  const escrow = await openEscrow(file, env, report, own?.deployed);
  const paid = new Map<NodeId, Payment>();
  const onSettlement = (event: SettlementEvent): void => {
    report(`settlement: ${settlementLine(event)}`);
    if (event.type !== 'settled') return;
    const { worker, account, credits } = event;
    paid.set(worker, { worker, account, credits: credits + (paid.get(worker)?.credits ?? 0n) });
  };
  return {
    environment: {
      chain: { ...settlement, ...(local ? LOCAL : {}), door: publicDoor, ...(own && { ready: own.deployed }), onSettlement },
      ...(disputes && { disputes }),
      ...(escrow && { escrow }),
      ...(relayer && { paymaster: relayer.plugin, tickets: (account: string) => relayer.issueTicket(felt(account)) }),
    },
    door,
    local,
    paid,
    deployed: own?.deployed ?? Promise.resolve(),
    failed: own?.failed ?? NEVER,
    async [Symbol.asyncDispose]() {
      await relayer?.close();
    },
  };
}
