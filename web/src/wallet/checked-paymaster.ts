import { keccak } from '@scure/starknet';
import { utf8 } from '@ciro/core/bytes.ts';
import { checkOutsideExecution } from './check-outside-execution.ts';
import { PaymasterError } from './paymaster-error.ts';
import type { ExecutableUserTransaction, ExecutionParameters, PaymasterInterface, PreparedTransaction, UserTransaction } from 'starknet';
import type { FeltCall } from './check-outside-execution.ts';

/** What the wallet knows by itself, from its own configuration and never from the paymaster. */
export interface PaymasterExpectation {
  /** The contract that may hand in what is signed. */
  readonly forwarder: string;
  /** 0x hex. */
  readonly chainId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * A paymaster whose answers are checked before anything is signed (SPEC Y4): same type, calls, chain and deployment, sponsored, our forwarder as
 * caller, good for an hour at most. Only what passed is sent for execution. Throws `PaymasterError`.
 *
 * Assign it after construction (`account.paymaster = checkedPaymaster(…)`): starknet.js's `Account` copies the address out of a paymaster
 * that its constructor is given, and asks that address without our checks.
 */
export function checkedPaymaster(inner: PaymasterInterface, expected: PaymasterExpectation): PaymasterInterface {
  /** Typed data and deployments that passed; only they may be executed. */
  const passed = new WeakSet<object>();
  return {
    nodeUrl: inner.nodeUrl,
    headers: inner.headers,
    baseFetch: inner.baseFetch,
    isAvailable: () => inner.isAvailable(),
    getSupportedTokens: () => inner.getSupportedTokens(),

    async buildTransaction(transaction: UserTransaction, parameters: ExecutionParameters): Promise<PreparedTransaction> {
      requireSponsored(parameters);
      const calls = transaction.type === 'deploy' ? [] : transaction.invoke.calls.map(feltCall);
      const asked = JSON.stringify(transaction.type === 'invoke' ? null : canonicalDeployment(transaction.deployment));
      const prepared: PreparedTransaction = await inner.buildTransaction(transaction, parameters);
      if (prepared.type !== transaction.type) throw lied('wrong-type', `a ${String(prepared.type)} came back for a ${transaction.type}; its calls would be lost or others added`);
      if (prepared.parameters.feeMode.mode !== 'sponsored') throw lied('not-sponsored', 'it wants the fee to be paid in a token');
      if (prepared.type !== 'invoke') {
        if (JSON.stringify(canonicalDeployment(prepared.deployment)) !== asked) throw lied('wrong-deployment', 'it would deploy another account');
        passed.add(prepared.deployment);
      }
      if (prepared.type !== 'deploy') {
        checkOutsideExecution(prepared.typed_data, { ...expected, calls, ...(parameters.timeBounds && { latest: parameters.timeBounds.executeBefore }) });
        // What was checked is what is signed, whoever else holds it.
        freeze(prepared.typed_data);
        passed.add(prepared.typed_data);
      }
      return prepared;
    },

    executeTransaction(transaction: ExecutableUserTransaction, parameters: ExecutionParameters) {
      requireSponsored(parameters);
      const parts = [...(transaction.type === 'invoke' ? [] : [transaction.deployment]), ...(transaction.type === 'deploy' ? [] : [transaction.invoke.typedData])];
      if (!parts.every((part) => passed.has(part))) throw new PaymasterError('not-checked', 'this transaction was not built and checked by this paymaster; build it with buildTransaction first', { fault: 'bug' });
      return inner.executeTransaction(transaction, parameters);
    },
  };
}

function requireSponsored({ feeMode }: ExecutionParameters): void {
  if (feeMode.mode !== 'sponsored') throw new PaymasterError('not-sponsored', 'a worker pays no fee; ask for fee mode "sponsored"', { fault: 'bug' });
}

/** Our own call as felts. The wallet gives calldata as an array of felts, so that there is nothing to interpret. */
function feltCall({ contractAddress, entrypoint, calldata = [] }: { readonly contractAddress: string; readonly entrypoint: string; readonly calldata?: unknown }): FeltCall {
  try {
    if (!Array.isArray(calldata)) throw new TypeError('calldata is no array');
    return { to: BigInt(contractAddress), selector: keccak(utf8(entrypoint)), calldata: calldata.map((felt: string | number | bigint) => BigInt(felt)) };
  } catch (cause) {
    throw new PaymasterError('bad-calls', `the call of ${entrypoint.slice(0, 64)} has calldata that is not an array of felts; compile it first`, { fault: 'bug', cause });
  }
}

/** A deployment as numbers, so that padding and case make no difference. */
function canonicalDeployment({ address, class_hash, salt, calldata, sigdata = [] }: { readonly address: string; readonly class_hash: string; readonly salt: string; readonly calldata: readonly string[]; readonly sigdata?: readonly string[] }): string[] {
  try {
    return [address, class_hash, salt, calldata.length, ...calldata, sigdata.length, ...sigdata].map((felt) => String(BigInt(felt)));
  } catch {
    throw lied('wrong-deployment', 'its deployment is not made of felts');
  }
}

const lied = (code: PaymasterError['code'], what: string): PaymasterError => new PaymasterError(code, `the paymaster cannot be trusted: ${what}. Nothing was signed; use another paymaster`, { fault: 'peer' });

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
