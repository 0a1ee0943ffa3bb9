import { verifyBinding, verifyJobRoot } from '@ciro/core/identity/identity.ts';
import { describe, expect, it } from 'vitest';
import { openWallet, type WalletPlatform } from './wallet.ts';
import type { KeyStore, StoredKeys } from './key-store.ts';

const PLATFORM: WalletPlatform = { secureContext: true, crypto: globalThis.crypto, now: () => 1_000 };

const noMore = { replace: () => Promise.reject(new TypeError('not asked for here')), earlier: () => Promise.resolve([]), markBackedUp: () => Promise.resolve() };

function setup() {
  let kept: StoredKeys | undefined;
  const store: KeyStore = {
    read: () => Promise.resolve(kept),
    keepFirst: (keys) => Promise.resolve((kept ??= keys)),
    ...noMore,
  };
  return { store, kept: () => kept, replace: (keys: StoredKeys) => (kept = keys) };
}

const refusing: KeyStore = {
  read: () => Promise.reject(new DOMException('blocked', 'SecurityError')),
  keepFirst: () => Promise.reject(new DOMException('blocked', 'SecurityError')),
  ...noMore,
};

describe('openWallet', () => {
  it('makes an identity on the first visit and finds the same one on the next', async () => {
    const { store } = setup();
    const first = await openWallet(store, PLATFORM);
    const second = await openWallet(store, PLATFORM);
    expect(first.persistence).toBe('stored');
    expect(second.nodeId).toBe(first.nodeId);
    expect(second.devicePublicKey).toBe(first.devicePublicKey);
  });

  it('signs bindings and roots that its public key verifies (SPEC K3, K4)', async () => {
    const wallet = await openWallet(setup().store, PLATFORM);
    const binding = { network: 'test', devicePublicKey: wallet.devicePublicKey, challenge: 'ab'.repeat(32) };
    expect(verifyBinding(binding, wallet.signBinding(binding), wallet.identityPublicKey)).toBe(true);
    expect(verifyBinding({ ...binding, network: 'other' }, wallet.signBinding(binding), wallet.identityPublicKey)).toBe(false);
    const root = { network: 'test', job: 'cd'.repeat(16), planHash: 'ef'.repeat(32), stage: 0, root: '0x1' };
    expect(verifyJobRoot(root, wallet.signRoot(root), wallet.identityPublicKey)).toBe(true);
  });

  it('keeps neither key where a script could read it', async () => {
    const { store, kept } = setup();
    await openWallet(store, PLATFORM);
    const keys = kept();
    expect(keys?.sealingKey.extractable).toBe(false);
    expect(keys?.deviceKey.extractable).toBe(false);
    expect(keys?.sealed).toHaveLength(32 + 16);
  });

  it('agrees with another tab that made its keys a moment earlier', async () => {
    const { store } = setup();
    const empty: KeyStore = { ...store, read: () => Promise.resolve(undefined) };
    const [one, other] = await Promise.all([openWallet(empty, PLATFORM), openWallet(empty, PLATFORM)]);
    expect(one.nodeId).toBe(other.nodeId);
  });

  it('works from memory when the browser refuses storage, and says so', async () => {
    const wallet = await openWallet(refusing, PLATFORM);
    expect(wallet.persistence).toBe('memory');
    expect(wallet.nodeId).toMatch(/^[0-9a-f]{40}$/);
  });

  it('does not overwrite keys that it cannot open', async () => {
    const { store, kept, replace } = setup();
    await openWallet(store, PLATFORM);
    const keys = kept();
    if (keys === undefined) throw new Error('nothing was kept');
    replace({ ...keys, nonce: new Uint8Array(12) });
    await expect(openWallet(store, PLATFORM)).rejects.toMatchObject({ code: 'unreadable' });
    expect(kept()?.sealed).toEqual(keys.sealed);
  });

  it('names what is missing on an insecure page', async () => {
    await expect(openWallet(setup().store, { ...PLATFORM, secureContext: false })).rejects.toMatchObject({ code: 'insecure-context' });
  });
});
