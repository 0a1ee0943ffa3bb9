import { ec, outsideExecution, typedData } from 'starknet';
import { describe, expect, it } from 'vitest';
import { verifyJobRoot } from '@ciro/core/identity/identity.ts';
import { KDF_ITERATIONS } from './backup.ts';
import { parseOutsideExecution } from './check-outside-execution.ts';
import { outsideExecutionHash } from './outside-execution-hash.ts';
import { Vault } from './vault.ts';
import type { EarlierKeys, KeyStore, StoredKeys } from './key-store.ts';
import type { WalletPlatform } from './wallet.ts';

const NOW = 1_800_000_000_000;
const PASSPHRASE = 'four quiet words here';
const CHAIN = '0x534e5f5345504f4c4941';

/** A browser: what it keeps outlives the vaults that are opened in it. */
function browser({ refuses = false } = {}) {
  let current: StoredKeys | undefined;
  const before = new Map<string, StoredKeys>();
  const unless = <Value>(call: () => Value): Promise<Value> => (refuses ? Promise.reject(new DOMException('blocked', 'SecurityError')) : Promise.resolve(call()));
  const store: KeyStore = {
    read: () => unless(() => current),
    keepFirst: (keys) => unless(() => (current ??= keys)),
    replace: (keys, publicKey, earlier) => unless(() => {
      if (earlier !== undefined) before.set(earlier.identityPublicKey, earlier.keys);
      before.delete(publicKey);
      current = keys;
    }),
    earlier: () => unless((): EarlierKeys[] => Array.from(before, ([identityPublicKey, keys]) => ({ identityPublicKey, keys }))),
    markBackedUp: (at) => unless(() => void (current = current && { ...current, backedUpAt: at })),
  };
  const platform: WalletPlatform = { secureContext: true, crypto: globalThis.crypto, now: () => NOW };
  return { vault: () => new Vault(store, platform), kept: () => [current, ...before.values()].filter((keys) => keys !== undefined) };
}

/** Typed data as a paymaster builds it. */
function executionData(before = NOW / 1000 + 900) {
  const data = outsideExecution.getTypedData(CHAIN as never, { caller: '0xf0', execute_after: 5, execute_before: before }, '0x77', [{ contractAddress: '0x123', entrypoint: 'claim', calldata: ['0x1', '0x2', '0x0', '0x3'] }, { contractAddress: '0x456', entrypoint: 'stake', calldata: [] }], '2');
  return data;
}

describe('actions of the own account', () => {
  it('Y4: are hashed as starknet.js hashes them, and signed so that the account takes it', async () => {
    const vault = browser().vault();
    const { account, identityPublicKey } = await vault.open();
    const execution = parseOutsideExecution(executionData());
    const expected = typedData.getMessageHash(executionData(), account);
    expect(`0x${outsideExecutionHash(execution, BigInt(account)).toString(16)}`).toBe(expected);
    const [r, s] = vault.signOutside(execution, account);
    const signature = new ec.starkCurve.Signature(BigInt(r), BigInt(s));
    const verified = ['02', '03'].some((parity) => ec.starkCurve.verify(signature, expected.slice(2).padStart(64, '0'), `${parity}${identityPublicKey.slice(2).padStart(64, '0')}`));
    expect(verified).toBe(true);
  });

  it.each([
    ['of another account', NOW / 1000 + 900, '0x5'],
    ['that could be carried out tomorrow', NOW / 1000 + 86_400, undefined],
  ])('%s are not signed', async (_what, before, other) => {
    const vault = browser().vault();
    const { account } = await vault.open();
    expect(() => vault.signOutside(parseOutsideExecution(executionData(before)), other ?? account)).toThrow(expect.objectContaining({ code: 'not-ours' }));
  });
});

describe('a backup', () => {
  it('moves an identity into another browser, where a reload finds it', async () => {
    const [home, away] = [browser(), browser()];
    const vault = home.vault();
    const { identityPublicKey, account, backedUpAt } = await vault.open();
    expect(backedUpAt).toBeNull();
    const text = await vault.exportIdentity(PASSPHRASE, identityPublicKey);
    expect((await vault.open()).backedUpAt).toBe(NOW);
    expect((await home.vault().open()).backedUpAt).toBe(NOW);
    await away.vault().importIdentity(text, PASSPHRASE, { replace: false });
    const again = away.vault();
    expect(await again.open()).toMatchObject({ identityPublicKey, account, backedUpAt: NOW, earlier: [] });
    const root = { network: 'test', job: 'cd'.repeat(16), planHash: 'ef'.repeat(32), stage: 0, root: '0x1' };
    expect(verifyJobRoot(root, again.signRoot(root), identityPublicKey)).toBe(true);
  });

  it('holds nothing of the key in the clear, nor does the browser', async () => {
    const home = browser();
    const vault = home.vault();
    const { identityPublicKey } = await vault.open();
    const text = await vault.exportIdentity(PASSPHRASE, identityPublicKey);
    const { kdf, sealed } = JSON.parse(text) as { kdf: { iterations: number }; sealed: string };
    expect(kdf.iterations).toBe(KDF_ITERATIONS);
    expect(sealed).toHaveLength(2 * (32 + 16));
    const [keys] = home.kept();
    expect([keys?.sealingKey.extractable, keys?.deviceKey.extractable]).toEqual([false, false]);
    await expect(globalThis.crypto.subtle.exportKey('raw', keys?.sealingKey as CryptoKey)).rejects.toMatchObject({ name: 'InvalidAccessError' });
  });

  it.each([
    ['another passphrase', 'wrong-passphrase', (text: string) => text, 'five other words here'],
    ['a changed file', 'wrong-passphrase', (text: string) => text.replace(/"sealed": "./, (start) => `${start.slice(0, -1)}${start.endsWith('0') ? '1' : '0'}`), PASSPHRASE],
    ['a cheaper key derivation', 'bad-backup', (text: string) => text.replace('600000', '1000'), PASSPHRASE],
    ['a derivation that takes an hour', 'bad-backup', (text: string) => text.replace('600000', '4000000000'), PASSPHRASE],
    ['something else', 'bad-backup', () => '{}', PASSPHRASE],
    ['no JSON', 'bad-backup', () => 'key', PASSPHRASE],
    ['a very long file', 'bad-backup', (text: string) => text + ' '.repeat(5_000), PASSPHRASE],
  ])('with %s is refused, and changes nothing', async (_what, code, change, passphrase) => {
    const [home, away] = [browser(), browser()];
    const vault = home.vault();
    const { identityPublicKey } = await vault.open();
    const text = await vault.exportIdentity(PASSPHRASE, identityPublicKey);
    const before = (await away.vault().open()).identityPublicKey;
    await expect(away.vault().importIdentity(change(text), passphrase, { replace: true })).rejects.toMatchObject({ code });
    expect(await away.vault().open()).toMatchObject({ identityPublicKey: before, earlier: [] });
  });

  it('takes the place of another identity only when that is asked for, and that one can still be exported', async () => {
    const [home, away] = [browser(), browser()];
    const source = home.vault();
    const moved = (await source.open()).identityPublicKey;
    const text = await source.exportIdentity(PASSPHRASE, moved);
    const vault = away.vault();
    const first = (await vault.open()).identityPublicKey;
    await expect(vault.importIdentity(text, PASSPHRASE, { replace: false })).rejects.toMatchObject({ code: 'identity-exists', fields: { present: first, imported: moved } });
    expect(await vault.open()).toMatchObject({ identityPublicKey: first });
    expect(await vault.importIdentity(text, PASSPHRASE, { replace: true })).toMatchObject({ identityPublicKey: moved, earlier: [first] });
    const old = await vault.exportIdentity(PASSPHRASE, first);
    // And back again: what was earlier is the present one once more.
    expect(await vault.importIdentity(old, PASSPHRASE, { replace: true })).toMatchObject({ identityPublicKey: first, earlier: [moved] });
    await expect(vault.exportIdentity(PASSPHRASE, '0x1')).rejects.toMatchObject({ code: 'unknown-identity' });
  });

  it('wants a passphrase of some length, and a browser that keeps something', async () => {
    const vault = browser().vault();
    const { identityPublicKey } = await vault.open();
    await expect(vault.exportIdentity('short', identityPublicKey)).rejects.toMatchObject({ code: 'weak-passphrase' });
    const text = await vault.exportIdentity(PASSPHRASE, identityPublicKey);
    const none = browser({ refuses: true }).vault();
    await none.open();
    await expect(none.importIdentity(text, PASSPHRASE, { replace: true })).rejects.toMatchObject({ code: 'not-kept' });
  });
});
