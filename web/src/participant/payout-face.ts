import { LinkDesk } from '../wallet/link-desk.ts';
import { LinkError } from '../wallet/link-error.ts';
import { StakeDesk } from '../wallet/stake-desk.ts';
import { findWallets } from '../wallet/wallet-list.ts';
import type { LinkableWallet, WalletWindow } from '../wallet/wallet-list.ts';
import type { LinkPorts } from '../wallet/link-desk.ts';
import type { StakeFace, StakePorts } from '../wallet/stake-desk.ts';
import type { PayoutStatus } from '../wallet/payout-line.ts';

export type { StakeFace, StakeStatus } from '../wallet/stake-desk.ts';
export type { PayoutStatus } from '../wallet/payout-line.ts';

export type PayoutFacePorts = LinkPorts & { readonly stake: StakePorts };

/** Where this browser's worker is paid, for a face. What changes something gives how it stands afterwards, and rejects with LinkError or WalletError; nothing was changed then. */
export interface PayoutFace {
  look(): Promise<PayoutStatus>;
  /** Wallets of this browser. */
  wallets(): readonly Pick<LinkableWallet, 'id' | 'name'>[];
  link(wallet: string): Promise<PayoutStatus>;
  goBack(): Promise<PayoutStatus>;
  /** This worker's place in the pool. */
  readonly stake: StakeFace;
  /** Calls off the change that waits: by this browser's key, or by the linked wallet. */
  callOff(wallet?: string): Promise<PayoutStatus>;
}

export function openPayoutFace({ stake, ...ports }: PayoutFacePorts, window: WalletWindow = globalThis as unknown as WalletWindow): PayoutFace {
  const desk = new LinkDesk(ports);
  let found: readonly LinkableWallet[] = [];
  const wallets = (): readonly LinkableWallet[] => (found = findWallets(window));
  const named = (id: string): LinkableWallet => {
    const wallet = (found.length === 0 ? wallets() : found).find((each) => each.id === id);
    if (wallet === undefined) throw new LinkError('bad_wallet', `this browser has no wallet ${id.slice(0, 100)} any more; look again`, { fault: 'user' });
    return wallet;
  };
  return {
    stake: new StakeDesk(stake),
    look: () => desk.look(),
    wallets,
    link: async (wallet) => desk.link(named(wallet)),
    goBack: () => desk.goBack(),
    callOff: async (wallet) => (wallet === undefined ? desk.callOff() : desk.callOffWith(named(wallet))),
  };
}
