/** What a worker signs while somebody else sends it and pays for it (SNIP-9), and the Paymaster's leg of it. */
import { ACCOUNT_CLASS_HASH, UNIVERSAL_DEPLOYER } from '@ciro/core/settlement/payout-address.ts';
import { Account, PaymasterRpc, ec, outsideExecution } from 'starknet';
import { addressOf, felt, selectorOf, textFelt } from './felts.ts';
import type { PaymasterInterface } from 'starknet';
import type { Felt } from './felts.ts';
import type { Call, ChainClient, Receipt } from './starknet.ts';

/** Seconds before and after the chain's time in which what was signed can be sent; an hour, as wallets have it. */
const VALID_S = 3_600;

/** An account that may not be deployed yet: tokens can be sent to its address all the same. */
export interface WorkerAccount {
  readonly address: Felt;
  readonly privateKey: Felt;
  /** Deploys it, whoever sends it. */
  readonly deploy: Call;
}

export function workerAccount(privateKey: Felt): WorkerAccount {
  const publicKey = felt(ec.starkCurve.getStarkKey(privateKey));
  const address = addressOf(publicKey, ACCOUNT_CLASS_HASH, [publicKey]);
  return { address, privateKey, deploy: { to: UNIVERSAL_DEPLOYER, entrypoint: 'deployContract', calldata: [ACCOUNT_CLASS_HASH, publicKey, felt(0), felt(1), publicKey] } };
}

/** What the worker signs: its calls, for `paymaster` alone to send, once, within an hour of the chain's time. Gives the calldata of `execute_from_outside_v2`. */
export async function signOutside(chain: ChainClient, worker: WorkerAccount, paymaster: Felt, calls: readonly Call[], nonce: Felt): Promise<Felt[]> {
  const account = new Account({ provider: chain.provider, address: worker.address, signer: worker.privateKey });
  const now = await chain.blockTime();
  // Version and nonce are given: without either starknet.js would ask the account, which may not be there.
  const signed = await account.getOutsideTransaction(
    { caller: paymaster, execute_after: now - VALID_S, execute_before: now + VALID_S },
    calls.map(({ to, entrypoint, calldata }) => ({ contractAddress: to, entrypoint, calldata: [...calldata] })),
    '2',
    nonce,
  );
  const [call] = outsideExecution.buildExecuteFromOutsideCall(signed);
  return Array.isArray(call?.calldata) ? call.calldata.map((value) => felt(String(value))) : [];
}

/** By the relayer: the Paymaster checks what was signed against its list and quotas, and has the account carry it out. */
export const executeSponsored = (paymaster: Felt, worker: Felt, outside: readonly Felt[], sponsor: string): Call => ({
  to: paymaster,
  entrypoint: 'execute_sponsored',
  calldata: [worker, selectorOf('execute_from_outside_v2'), felt(outside.length), ...outside, felt(1), textFelt(sponsor)],
});

/** The same through the Paymaster's typed entry point, which serialises once more on chain instead of being sent the length of everything. */
export const executeSponsoredTyped = (paymaster: Felt, worker: Felt, outside: readonly Felt[], sponsor: string): Call => ({
  to: paymaster,
  entrypoint: 'execute_sponsored_v2',
  calldata: [worker, ...outside, textFelt(sponsor)],
});

/** The same where the account is not deployed: the Paymaster does that, too. */
export const deployAndExecuteSponsored = (paymaster: Felt, { deploy: { calldata } }: WorkerAccount, outside: readonly Felt[], sponsor: string): Call => {
  const [classHash = felt(0), salt = felt(0), , ...constructor] = calldata;
  return { to: paymaster, entrypoint: 'deploy_and_execute_sponsored', calldata: [classHash, salt, ...constructor, ...outside, textFelt(sponsor)] };
};

export interface PaymasterDoor {
  /** SNIP-29 over HTTP. */
  readonly url: string;
  readonly ticket: string;
  /** What a wallet puts between itself and the paymaster, so that it signs only what it asked for. */
  readonly check: (inner: PaymasterInterface) => PaymasterInterface;
}

/**
 * Has a paymaster pay for the worker's calls, through starknet.js as a wallet does; the account is deployed in the same transaction when `deploys`.
 * @throws ChainError `reverted`, `node-silent`; what the check or the paymaster refuses
 */
export async function actSponsored(chain: ChainClient, worker: WorkerAccount, { url, ticket, check }: PaymasterDoor, calls: readonly Call[], deploys: boolean, what: string): Promise<Receipt> {
  const account = new Account({ provider: chain.provider, address: worker.address, signer: worker.privateKey });
  account.paymaster = check(new PaymasterRpc({ nodeUrl: url, headers: { 'x-ciro-ticket': ticket } }));
  const publicKey = felt(ec.starkCurve.getStarkKey(worker.privateKey));
  const deploymentData = { address: worker.address, class_hash: ACCOUNT_CLASS_HASH, salt: publicKey, calldata: [publicKey], version: 1 as const };
  const started = performance.now();
  const { transaction_hash } = await account.executePaymasterTransaction(
    calls.map(({ to, entrypoint, calldata }) => ({ contractAddress: to, entrypoint, calldata: [...calldata] })),
    { feeMode: { mode: 'sponsored' }, ...(deploys ? { deploymentData } : {}) },
  );
  return chain.receipt(felt(transaction_hash), what, started);
}
