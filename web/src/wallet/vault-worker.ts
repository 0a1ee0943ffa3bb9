import * as Comlink from 'comlink';
import { CiroDatabase } from '../storage/ciro-database.ts';
import { dexieKeyStore } from '../storage/dexie-key-store.ts';
import { answered } from './vault-answer.ts';
import { Vault } from './vault.ts';

/** The thread that holds the identity: it stores, opens, signs, and nothing else. */
const vault = new Vault(dexieKeyStore(new CiroDatabase()), { secureContext: isSecureContext, crypto, now: Date.now });

const service = {
  open: () => answered(() => vault.open()),
  find: () => answered(() => vault.find()),
  signBinding: (...of: Parameters<Vault['signBinding']>) => answered(() => vault.signBinding(...of)),
  signRoot: (...of: Parameters<Vault['signRoot']>) => answered(() => vault.signRoot(...of)),
  signOutside: (...of: Parameters<Vault['signOutside']>) => answered(() => vault.signOutside(...of)),
  signPayoutChange: (...of: Parameters<Vault['signPayoutChange']>) => answered(() => vault.signPayoutChange(...of)),
  exportIdentity: (...of: Parameters<Vault['exportIdentity']>) => answered(() => vault.exportIdentity(...of)),
  importIdentity: (...of: Parameters<Vault['importIdentity']>) => answered(() => vault.importIdentity(...of)),
};
export type VaultService = typeof service;

Comlink.expose(service);
