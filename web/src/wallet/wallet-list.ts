import { StarknetInjectedWallet } from '@starknet-io/get-starknet-wallet-standard-v6';
import * as v from 'valibot';
import { LinkError } from './link-error.ts';

/** Wallets of one browser: nobody has more, and a page's script may make any number of globals. */
const MAX_WALLETS = 20;
const WALLET_GLOBAL = /^starknet(_.{1,64})?$/;
const WALLET_API = 'starknet:walletApi';
const CONNECT = 'standard:connect';

/** What every injected Starknet wallet has. */
const Injected = v.looseObject({ id: v.pipe(v.string(), v.maxLength(100)), name: v.pipe(v.string(), v.maxLength(100)), version: v.string(), request: v.function(), on: v.function() });
const Text = v.pipe(v.string(), v.minLength(1), v.maxLength(100));
/** A Wallet Standard wallet, as far as it is asked. */
const Standard = v.looseObject({ name: Text, features: v.looseObject({ [WALLET_API]: v.looseObject({ id: v.optional(Text), request: v.function() }), [CONNECT]: v.looseObject({ connect: v.function() }) }) });
const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/), v.transform((text) => `0x${BigInt(text).toString(16)}`));
const Accounts = v.pipe(v.array(v.looseObject({ address: Felt })), v.minLength(1));
const Signature = v.pipe(v.array(v.union([Felt, v.pipe(v.string(), v.regex(/^[0-9]{1,78}$/), v.transform((text) => `0x${BigInt(text).toString(16)}`))])), v.minLength(1), v.maxLength(128));

/** A wallet of this browser. */
export interface LinkableWallet {
  readonly id: string;
  readonly name: string;
  /** Asks its owner for an account; the one that it answers for. Rejects with LinkError. */
  connect(): Promise<string>;
  /** The account that it would sign with now; asks nobody. */
  account(): Promise<string>;
  chainId(): Promise<string>;
  /** Field elements of its signature over SNIP-12 typed data. */
  sign(typedData: object): Promise<readonly string[]>;
}

/** The window, as far as wallets are found in it. */
export type WalletWindow = Pick<Window, 'addEventListener' | 'removeEventListener' | 'dispatchEvent'>;

/**
 * Wallets of this browser: those that registered by the Wallet Standard, and injected `window.starknet_*`, wrapped by get-starknet into the same
 * form. A wallet that is there both ways stands once. What is none of both is left out.
 */
export function findWallets(window: WalletWindow): LinkableWallet[] {
  const found: unknown[] = [];
  const api = { register: (...wallets: unknown[]) => void found.push(...wallets) };
  const registered = (event: Event): void => {
    const take: unknown = 'detail' in event ? event.detail : undefined;
    if (typeof take === 'function') (take as (to: typeof api) => void)(api);
  };
  window.addEventListener('wallet-standard:register-wallet', registered);
  window.dispatchEvent(new CustomEvent('wallet-standard:app-ready', { detail: api }));
  window.removeEventListener('wallet-standard:register-wallet', registered);
  for (const name of Object.getOwnPropertyNames(window)) if (WALLET_GLOBAL.test(name)) found.push(wrapped((window as unknown as Record<string, unknown>)[name]));
  const wallets = new Map<string, LinkableWallet>();
  for (const each of found.slice(0, MAX_WALLETS)) {
    const wallet = linkable(each);
    if (wallet !== undefined && !wallets.has(wallet.id)) wallets.set(wallet.id, wallet);
  }
  return [...wallets.values()];
}

function wrapped(value: unknown): unknown {
  if (!v.is(Injected, value)) return undefined;
  try {
    return new StarknetInjectedWallet(value as never);
  } catch {
    return undefined;
  }
}

function linkable(value: unknown): LinkableWallet | undefined {
  const parsed = v.safeParse(Standard, value);
  if (!parsed.success) return undefined;
  const { name, features } = parsed.output;
  const { [WALLET_API]: api, [CONNECT]: connect } = features;
  const ask = async <const Schema extends v.GenericSchema>(what: string, call: () => unknown, schema: Schema): Promise<v.InferOutput<Schema>> => {
    let answer: unknown;
    try {
      answer = await call();
    } catch (cause) {
      throw new LinkError('refused', `${name} did not give ${what}: ${reasonOf(cause)}`, { fault: 'user', cause });
    }
    const told = v.safeParse(schema, answer);
    if (!told.success) throw new LinkError('bad_wallet', `${name} answered with something that is not ${what}`, { fault: 'peer' });
    return told.output;
  };
  const request = (message: object): unknown => (api.request as (of: object) => unknown)(message);
  const accounts = async (silent: boolean): Promise<string> => (await ask('an account', () => request({ type: 'wallet_requestAccounts', params: { silent_mode: silent } }), v.pipe(v.array(Felt), v.minLength(1))))[0] ?? '';
  return {
    id: api.id ?? name,
    name,
    async connect() {
      const { accounts: [account] } = await ask('an account', () => (connect.connect as () => unknown)(), v.looseObject({ accounts: Accounts }));
      return account?.address ?? '';
    },
    account: () => accounts(true),
    chainId: () => ask('its chain', () => request({ type: 'wallet_requestChainId' }), Felt),
    sign: (typedData) => ask('a signature', () => request({ type: 'wallet_signTypedData', params: typedData }), Signature),
  };
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause)).slice(0, 200);
