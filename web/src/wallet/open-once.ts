import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { AccountOnChain } from './claim-ports.ts';

/** Opens an account on its chain once; one that could not be opened is tried anew the next time. */
export function openOnce(open: (door: PublicDoor) => Promise<AccountOnChain>): typeof open {
  let opened: Promise<AccountOnChain> | undefined;
  return (door) =>
    (opened ??= open(door).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}
