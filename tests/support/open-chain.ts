import { openLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { devnetHere } from './devnet-binary.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';

/** What `beforeEach` of a test against a real chain needs of vitest. */
interface Skips {
  skip(note: string): never;
}

/** One devnet with everything deployed for all tests of a file; where there is none, each test is skipped and says so. */
export function chainForFile() {
  let opened: LocalChain | undefined;
  let missing: string | undefined;
  return {
    async open(): Promise<void> {
      const here = await devnetHere();
      if ('missing' in here) missing = here.missing;
      else opened = await openLocalChain({ binary: here.binary });
    },
    skipWithout(context: Skips): void {
      if (missing !== undefined) context.skip(missing);
    },
    async close(): Promise<void> {
      await opened?.[Symbol.asyncDispose]();
    },
    get local(): LocalChain {
      if (opened === undefined) throw new Error('The test should have been skipped.');
      return opened;
    },
  };
}
