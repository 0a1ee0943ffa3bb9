import { WalletError } from './wallet-error.ts';
import type { Fault } from '@ciro/core/errors.ts';
import type { WalletCode } from './wallet-error.ts';

/** What crosses between threads: an error thrown over there would arrive without its code. */
export type VaultAnswer<Value> = { readonly value: Value } | { readonly refused: { readonly code: WalletCode; readonly message: string; readonly fault: Fault; readonly fields: Readonly<Record<string, unknown>> } };

/** Does something and gives what came of it; only what is no WalletError is thrown. */
export async function answered<Value>(call: () => Value | Promise<Value>): Promise<VaultAnswer<Value>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!(error instanceof WalletError)) throw error;
    const { code, message, fault, fields } = error;
    return { refused: { code, message, fault, fields } };
  }
}

/** The value, or the WalletError that was thrown over there. */
export async function settled<Value>(answer: Promise<VaultAnswer<Value>>): Promise<Value> {
  const given = await answer;
  if ('value' in given) return given.value;
  const { code, message, fault, fields } = given.refused;
  throw new WalletError(code, message, { fault, fields: { ...fields } });
}
