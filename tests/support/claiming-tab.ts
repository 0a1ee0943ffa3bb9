/** A tab's claims without a browser: its vault, its desk and starknet.js against a coordinator over HTTP. */
import { IdentityDesk } from '@ciro/web/participant/identity-desk.ts';
import { openPayoutFace } from '@ciro/web/participant/payout-face.ts';
import { openStarknetAccount } from '@ciro/web/wallet/starknet-account.ts';
import { Vault } from '@ciro/web/wallet/vault.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { Earnings } from '@ciro/web/wallet/claim-ports.ts';
import type { StoredKeys } from '@ciro/web/wallet/key-store.ts';
import type { VaultThread } from '@ciro/web/participant/vault-thread.ts';

/** Opens a tab with a fresh identity. `ticketFor`: the coordinator's answer to `sponsor-wanted`. */
export async function claimingTab(base: string, ticketFor: (account: Felt) => string) {
  let kept: StoredKeys | undefined;
  const store = { read: async () => kept, keepFirst: async (keys: StoredKeys) => (kept ??= keys), replace: async () => {}, earlier: async () => [], markBackedUp: async () => {} };
  const vault = new Vault(store, { secureContext: true, crypto: globalThis.crypto, now: Date.now });
  const { account } = await vault.open();
  let earnings: Earnings | undefined;
  const thread: VaultThread = {
    open: () => vault.open(),
    find: () => vault.find(),
    signBinding: async (binding) => vault.signBinding(binding),
    signRoot: async (root) => vault.signRoot(root),
    signOutside: async (execution, of) => vault.signOutside(execution, of),
    signPayoutChange: async (change) => vault.signPayoutChange(change),
    exportIdentity: (...given) => vault.exportIdentity(...given),
    importIdentity: (...given) => vault.importIdentity(...given),
  };
  const desk: IdentityDesk = new IdentityDesk({
    startVault: () => thread,
    openAccount: openStarknetAccount,
    openPayout: async (ports) => openPayoutFace(ports),
    store: { keepPayout: async () => {}, payouts: async () => [] },
    base,
    fetch,
    wantTicket: () => {
      queueMicrotask(() => desk.answered({ type: 'sponsor-ticket', ticket: ticketFor(account as Felt) }));
      return true;
    },
    after: (milliseconds, task) => {
      const timer = setTimeout(task, milliseconds);
      return () => clearTimeout(timer);
    },
    clock: { now: Date.now, monotonic: () => performance.now() },
    show: (part) => (earnings = part.earnings ?? earnings),
  });
  await desk.open();
  return { account, desk, earnings: () => earnings };
}
