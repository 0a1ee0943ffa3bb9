import { fork } from 'node:child_process';
import { join } from 'node:path';
import { MemoryChain } from '@ciro/signaling/settlement/memory-chain.fixture.ts';
import { readyDatabase } from './ready-database.ts';

/** What a process of settlement asks of the chain that its parent keeps. */
export interface ChainQuestion {
  readonly id: number;
  readonly method: 'about' | 'mine' | 'birth' | 'postEpoch' | 'claimGroups' | 'receipt' | 'epochInfo' | 'paidOf' | 'funds';
  readonly args: readonly unknown[];
}

export interface ChainAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** How a life of the service ended. */
export type Ending = NodeJS.Signals | number | null;

/** A chain in memory that outlives the processes which settle over it: what was sent before they died is in its next block. */
export class ToldChain {
  readonly chain = new MemoryChain({ balance: 10n ** 30n });

  /** One life of the service, until it kills itself at `step` or has nothing left to do. */
  async live(dataDir: string, { step = 'none', jobs }: { readonly step?: string; readonly jobs: number }): Promise<Ending> {
    const child = fork(join(import.meta.dirname, 'killed-settlement.ts'), [await readyDatabase(dataDir), step, String(jobs)], { execArgv: [], serialization: 'advanced' });
    child.on('message', (question: ChainQuestion) => {
      void this.#answer(question).then((answer) => {
        if (child.connected) child.send(answer, () => undefined);
      });
    });
    const ending = await new Promise<Ending>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    this.chain.mine();
    this.chain.time += 60;
    return ending;
  }

  async #answer({ id, method, args }: ChainQuestion): Promise<ChainAnswer> {
    try {
      const { chain } = this;
      if (method === 'about') return { id, result: { chainId: chain.chainId, store: chain.store, now: chain.time * 1_000 } };
      if (method === 'mine') {
        chain.mine();
        chain.time += args[0] as number;
        return { id };
      }
      return { id, result: await (chain[method] as (...args: unknown[]) => Promise<unknown>).apply(chain, [...args]) };
    } catch (error) {
      return { id, error: String(error) };
    }
  }
}
