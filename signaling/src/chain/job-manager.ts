import { selectorOf } from './starknet-hashes.ts';
import { ContractClient, ContractError, hexOf } from './contract-client.ts';
import { CHAIN_JOB_STATES } from '../escrow/ports.ts';
import type { ChainModel } from '@ciro/core/settlement/escrow.ts';
import type { Receipt } from '../settlement/ports.ts';
import type { ChainJob, JobManagerPort, JobManagerTimes, RegisteredModel } from '../escrow/ports.ts';
import type { ContractOptions, ReadAt } from './contract-client.ts';

/** Felts that `get_job` and `model` answer. */
const JOB_FELTS = 11;
const MODEL_FELTS = 5;

export type JobManagerOptions = ContractOptions & {
  /** Address of the contract, 0x hex. */
  readonly jobManager: string;
};

/** What a client gives for a new job. Felts in 0x hex, the budget in base units, the deadline in Unix seconds. */
export interface NewJob {
  readonly nonce: string;
  readonly token: string;
  readonly model: string;
  readonly specHash: string;
  readonly budget: bigint;
  readonly deadline: number;
}

/** A call as starknet.js takes it. */
export interface ContractCall {
  readonly contractAddress: string;
  readonly entrypoint: string;
  readonly calldata: string[];
}

const NOTHING: ChainJob = { client: '0x0', token: '0x0', model: '0x0', specHash: '0x0', resultRoot: '0x0', budget: 0n, used: 0n, deadline: 0, since: 0, state: 'unknown' };

/** The JobManager contract over a node. The sender has COORDINATOR, or is a client. */
export class JobManager implements JobManagerPort {
  readonly chainId: string;
  readonly jobManager: string;
  readonly #client: ContractClient;
  #times: JobManagerTimes | undefined;

  constructor(options: JobManagerOptions) {
    this.#client = new ContractClient(options);
    this.chainId = this.#client.chainId;
    this.jobManager = hexOf(options.jobManager);
  }

  async job(id: string, at: ReadAt): Promise<ChainJob> {
    const felts = await this.#client.view(this.jobManager, 'get_job', [id], JOB_FELTS, at);
    if (felts === undefined) return NOTHING;
    const [client = 0n, token = 0n, model = 0n, specHash = 0n, resultRoot = 0n, budget = 0n, used = 0n, deadline = 0n, since = 0n, variant = 0n] = felts;
    const state = CHAIN_JOB_STATES[Number(variant)];
    if (state === undefined) throw new ContractError('bad-answer', `get_job of ${this.jobManager} answered state ${variant}; the contract is of another version`, { fault: 'platform' });
    return { client: hexOf(client), token: hexOf(token), model: hexOf(model), specHash: hexOf(specHash), resultRoot: hexOf(resultRoot), budget, used, deadline: Number(deadline), since: Number(since), state };
  }

  async model(id: string): Promise<RegisteredModel> {
    const [high = 0n, low = 0n, , registered, revoked] = (await this.#client.view(this.jobManager, 'model', [id], MODEL_FELTS, 'newest')) ?? [];
    return { high, low, registered: registered === 1n, revoked: revoked === 1n };
  }

  async sinkOf(token: string): Promise<string> {
    return hexOf(await this.#one('sink_of', [token]));
  }

  /** What the contract holds of a token for all jobs. */
  held(token: string): Promise<bigint> {
    return this.#one('held', [token]);
  }

  /** Id of the job that an account creates with this nonce. */
  async jobIdOf(client: string, nonce: string): Promise<string> {
    return hexOf(await this.#one('job_id_of', [client, nonce]));
  }

  async mayCoordinate(): Promise<boolean> {
    return (await this.#one('has_role', [selectorOf('COORDINATOR'), this.#client.sender])) === 1n;
  }

  async times(): Promise<JobManagerTimes> {
    if (this.#times === undefined) {
      const [refundGrace, disputeWindow] = await Promise.all([this.#one('refund_grace', []), this.#one('dispute_window', [])]);
      this.#times = { refundGrace: Number(refundGrace), disputeWindow: Number(disputeWindow) };
    }
    return this.#times;
  }

  time(): Promise<number> {
    return this.#client.time();
  }

  startJob(id: string): Promise<string> {
    return this.#send('start_job', [id]);
  }

  submitResult(id: string, resultRoot: string, used: bigint): Promise<string> {
    return this.#send('submit_result', [id, resultRoot, hexOf(used)]);
  }

  settleJob(id: string): Promise<string> {
    return this.#send('settle_job', [id]);
  }

  refundExpired(id: string): Promise<string> {
    return this.#send('refund_expired', [id]);
  }

  registerModel({ id, high, low, metaHash }: ChainModel): Promise<string> {
    return this.#send('register_model', [id, hexOf(high), hexOf(low), metaHash]);
  }

  revokeModel(id: string): Promise<string> {
    return this.#send('revoke_model', [id]);
  }

  /** Sends a client's calls, as one transaction. */
  act(what: string, calls: readonly ContractCall[]): Promise<string> {
    return this.#client.send(what, calls);
  }

  /** Base units of a token that somebody has. */
  async balanceOf(token: string, account: string): Promise<bigint> {
    const [low = 0n, high = 0n] = (await this.#client.view(token, 'balance_of', [account], 2, 'newest')) ?? [];
    return low + (high << 128n);
  }

  receipt(transaction: string): Promise<Receipt> {
    return this.#client.receipt(transaction);
  }

  async #one(entrypoint: string, calldata: readonly string[]): Promise<bigint> {
    return (await this.#client.view(this.jobManager, entrypoint, calldata, 1, 'newest'))?.[0] ?? 0n;
  }

  #send(entrypoint: string, calldata: string[]): Promise<string> {
    return this.#client.send(entrypoint, [{ contractAddress: this.jobManager, entrypoint, calldata }]);
  }
}

/** Approves the budget and creates the job: what a client signs in one transaction. */
export function createCalls(jobManager: string, { nonce, token, model, specHash, budget, deadline }: NewJob): ContractCall[] {
  return [approval(token, jobManager, budget), { contractAddress: jobManager, entrypoint: 'create_job', calldata: [nonce, token, model, specHash, hexOf(budget), hexOf(deadline)] }];
}

export const topUpCalls = (jobManager: string, id: string, token: string, amount: bigint): ContractCall[] => [approval(token, jobManager, amount), { contractAddress: jobManager, entrypoint: 'top_up', calldata: [id, hexOf(amount)] }];
export const cancelCalls = (jobManager: string, id: string): ContractCall[] => [{ contractAddress: jobManager, entrypoint: 'cancel_job', calldata: [id] }];
export const refundCalls = (jobManager: string, id: string): ContractCall[] => [{ contractAddress: jobManager, entrypoint: 'refund_expired', calldata: [id] }];

/** Exactly what is taken: nothing is left approved. */
const approval = (token: string, spender: string, amount: bigint): ContractCall => ({ contractAddress: token, entrypoint: 'approve', calldata: [spender, hexOf(amount), '0x0'] });
