import * as Comlink from 'comlink';
import { settled } from '../wallet/vault-answer.ts';
import { WalletError } from '../wallet/wallet-error.ts';
import type { Vault } from '../wallet/vault.ts';
import type { VaultService } from '../wallet/vault-worker.ts';

type Method = keyof VaultService;
/** The vault as the window uses it: the same calls, answered by its thread. Every call rejects with WalletError. */
export type VaultThread = { readonly [Name in Method]: (...given: Parameters<Vault[Name]>) => Promise<Awaited<ReturnType<Vault[Name]>>> };

/** Starts the thread that holds this browser's identity. It lives as long as the page. */
export function startVaultThread(): VaultThread {
  const worker = new Worker(new URL('../wallet/vault-worker.ts', import.meta.url), { type: 'module', name: 'ciro-vault' });
  const ended = new Promise<never>((_, reject) => {
    worker.onerror = (event) => reject(new WalletError('worker-ended', `the thread that holds the worker key ended (${event.message === '' ? 'its script did not load' : event.message}); reload the page`, { fault: 'platform' }));
  });
  ended.catch(() => undefined);
  const vault = Comlink.wrap<VaultService>(worker);
  /** What was asked of a thread that ended would never answer. */
  const asked = <Value>(answer: Parameters<typeof settled<Value>>[0]): Promise<Value> => Promise.race([settled(answer), ended]);
  return {
    open: () => asked(vault.open()),
    find: () => asked(vault.find()),
    signBinding: (binding) => asked(vault.signBinding(binding)),
    signRoot: (root) => asked(vault.signRoot(root)),
    signOutside: (execution, account) => asked(vault.signOutside(execution, account)),
    signPayoutChange: (change) => asked(vault.signPayoutChange(change)),
    exportIdentity: (passphrase, identityPublicKey) => asked(vault.exportIdentity(passphrase, identityPublicKey)),
    importIdentity: (text, passphrase, options) => asked(vault.importIdentity(text, passphrase, options)),
  };
}
