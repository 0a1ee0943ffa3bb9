import { chainModelOf, specHashOf } from '@ciro/core/settlement/escrow.ts';
import { tokensUp } from '@ciro/core/settlement/rate.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { EscrowError } from './escrow-error.ts';
import type { EscrowId, EscrowSalt, EscrowSpec } from '@ciro/core/settlement/escrow.ts';
import type { PayoutRate } from '@ciro/core/settlement/rate.ts';
import type { ChainJob, JobManagerPort } from './ports.ts';

/** Left to the deadline when an escrow is taken, in seconds: waiting for a ring, the answer, its audits, and doing it again. */
export const LEAST_TIME_S = 600;

/** What a requester names of its escrow. */
export interface EscrowClaim {
  readonly escrow: EscrowId;
  readonly salt: EscrowSalt;
}

/** What it has to pay for. */
export interface EscrowWanted {
  readonly spec: EscrowSpec;
  /** SHA-256 of the model's file. */
  readonly file: string;
  /** The most that the answer can cost, in base units of credits. */
  readonly hold: bigint;
}

export interface EscrowTerms {
  /** Address of the store that our workers are paid from. */
  readonly store: string;
  readonly rate: PayoutRate;
}

/** Looks at an escrow on the chain; gives the job, or throws EscrowError with what is there and what is wanted (SPEC N3). */
export async function checkEscrow(chain: JobManagerPort, { escrow, salt }: EscrowClaim, wanted: EscrowWanted, terms: EscrowTerms): Promise<ChainJob> {
  const job = await openJob(chain, escrow);
  const specHash = specHashOf(wanted.spec, salt);
  if (job.specHash !== specHash) throw refuse('escrow_spec_mismatch', `escrow ${escrow} pays for the request with hash ${job.specHash}, and this request with its salt has ${specHash}; send the request, and the salt, that it was created for`, { escrow, found: job.specHash, wanted: specHash });
  await checkModel(chain, escrow, job, wanted);
  const sink = await chain.sinkOf(job.token);
  if (BigInt(sink) !== BigInt(terms.store)) throw refuse('escrow_token_not_served', `escrow ${escrow} is in token ${job.token}, which the contract pays to ${sink}; workers here are paid from ${terms.store}: cancel it and create one in the token of that store`, { escrow, token: job.token, sink, wanted: terms.store });
  const needed = tokensUp(wanted.hold, terms.rate);
  if (job.budget < needed) throw refuse('escrow_budget_too_small', `this request may cost up to ${needed} base units (${formatCredits(needed)} tokens) and escrow ${escrow} holds ${job.budget} (${formatCredits(job.budget)}); top it up or lower max_tokens in another one`, { escrow, budget: String(job.budget), needed: String(needed) });
  const now = await chain.time();
  if (job.deadline - now < LEAST_TIME_S) throw refuse('escrow_deadline_too_near', `escrow ${escrow} ends at ${job.deadline}, in ${job.deadline - now} s; an answer is given ${LEAST_TIME_S} s: create one with a later deadline`, { escrow, deadline: job.deadline, now, least: LEAST_TIME_S });
  if (!(await chain.mayCoordinate())) throw new EscrowError('escrow_role_missing', `this coordinator's account has not the role COORDINATOR of contract ${chain.jobManager}, so it can start no job; ask its operator, or use another coordinator`, { fault: 'platform', fields: { escrow } });
  return job;
}

async function openJob(chain: JobManagerPort, escrow: EscrowId): Promise<ChainJob> {
  const [settled, newest] = await Promise.all([chain.job(escrow, 'settled'), chain.job(escrow, 'newest')]);
  const { jobManager } = chain;
  if (newest.state === 'unknown') throw refuse('escrow_unknown', `contract ${jobManager} has no job ${escrow}; create it first, or name the job that it has`, { escrow, jobManager });
  if (newest.state !== 'open') throw refuse('escrow_not_open', `job ${escrow} of contract ${jobManager} is ${newest.state}; an escrow is served once, while it is open: create another one`, { escrow, state: newest.state });
  if (settled.state === 'unknown') throw refuse('escrow_unconfirmed', `job ${escrow} is in a block that may still be taken back; ask again in a minute`, { escrow, retryAfterMs: 60_000 });
  // A top-up that is not under enough blocks may be taken back.
  return settled;
}

async function checkModel(chain: JobManagerPort, escrow: EscrowId, job: ChainJob, { spec, file }: EscrowWanted): Promise<void> {
  const model = chainModelOf({ id: spec.model, file });
  if (job.model !== model.id) throw refuse('escrow_model_mismatch', `escrow ${escrow} pays for model ${job.model}, and the request asks for ${model.id} (${spec.model}); ask for the model it was created for`, { escrow, found: job.model, wanted: model.id });
  const { high, low, registered, revoked } = await chain.model(model.id);
  if (revoked) throw refuse('escrow_model_revoked', `model ${spec.model} was revoked in contract ${chain.jobManager}; cancel escrow ${escrow} and ask for another model`, { escrow, model: model.id });
  if (!registered || high !== model.high || low !== model.low) throw refuse('escrow_model_unregistered', `contract ${chain.jobManager} has model ${model.id} ${registered ? 'with other hashes' : 'not registered'}; its operator has to register the one served here, ${spec.model}`, { escrow, model: model.id });
}

const refuse = (code: EscrowError['code'], message: string, fields: Record<string, unknown>): EscrowError => new EscrowError(code, message, { fault: 'user', fields });
