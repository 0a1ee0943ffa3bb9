import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { hex } from '@ciro/core/settlement/epoch.ts';
import { chainModelOf, specHashOf } from '@ciro/core/settlement/escrow.ts';
import { HexHash } from '@ciro/core/ids.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { cancelCalls, createCalls, refundCalls, topUpCalls, transferCalls } from '../chain/job-manager.ts';
import { sendSponsored } from '../chain/sponsored-sender.ts';
import { escrowSpecOf } from '../escrow/escrow-spec-of.ts';
import { parseChatRequest } from '../intake/chat-request.ts';
import { answerEvidence } from './answer-evidence.ts';
import { apiError, ask } from './ask.ts';
import { openAccount, openOperator } from './escrow-account.ts';
import { readEscrowFile, writeEscrowFile } from './escrow-file.ts';
import { ESCROW_USAGE } from './escrow-options.ts';
import { mostOf, requestOf, servedModel } from './escrow-request.ts';
import { usage } from './job-options.ts';
import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { ContractCall } from '../chain/job-manager.ts';
import type { EscrowAccount } from './escrow-account.ts';
import type { CreateOptions, EscrowOptions } from './escrow-options.ts';

const SALT_BYTES = 32;
/** Below the field's prime. */
const NONCE_BYTES = 31;
const POLL_MS = 500;

export interface EscrowSurroundings {
  /** Finds the path of the chain's file; only commands that need a node ask. */
  readonly chainFile: () => Promise<string>;
  /** Where requests and salts are kept. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Carries a command out. Only `create`, `ask`, `evidence` and `--sponsored` need a coordinator. Throws UsageError, what the node and the contract refuse, and what the API does. */
export async function runEscrow(options: EscrowOptions, around: EscrowSurroundings): Promise<void> {
  switch (options.command) {
    case 'create':
      return create(options, around);
    case 'ask':
      return askWith(options.url, options.id, around);
    case 'status':
      return status(options.id, around);
    case 'evidence':
      return evidence(options.url, options.id, around);
    case 'revoke-model':
      return revoke(options.model, around);
    case 'top-up':
    case 'cancel':
    case 'refund': {
      const requester = await openAccount(await around.chainFile(), around.env);
      const { id } = options;
      const { jobManager } = requester.contract;
      if (options.command === 'top-up') await act(requester, options, 'top_up', topUpCalls(jobManager, id, requester.token, options.amount), around);
      else if (options.command === 'cancel') await act(requester, options, 'cancel_job', cancelCalls(jobManager, id), around);
      else await act(requester, options, 'refund_expired', refundCalls(jobManager, id), around);
      return status(id, around);
    }
  }
}

/** Sends a client's calls and waits for their block. */
async function act(requester: EscrowAccount, options: Pick<EscrowOptions, 'url' | 'sponsored'>, what: string, calls: readonly ContractCall[], { write, signal }: EscrowSurroundings): Promise<void> {
  const { contract, account, chainId, forwarder } = requester;
  const transaction = options.sponsored ? await sendSponsored({ url: `${options.url}/paymaster`, forwarder, chainId, account, now: () => contract.time() }, calls) : await contract.act(what, calls);
  write(`${what}: transaction ${transaction}\n`);
  await landed(requester, transaction, what, signal);
}

async function landed({ contract }: Pick<EscrowAccount, 'contract'>, transaction: string, what: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const receipt = await contract.receipt(transaction);
    if (receipt.state === 'in-block') return;
    if (receipt.state === 'reverted') throw new Error(`${what} was reverted: ${receipt.reason}`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function create(options: EscrowOptions & CreateOptions, around: EscrowSurroundings): Promise<void> {
  const requester = await openAccount(await around.chainFile(), around.env);
  const { contract, account, token } = requester;
  const model = await servedModel(options.url, options.model);
  const request = requestOf(options);
  const salt = randomBytes(SALT_BYTES).toString('hex');
  const nonce = hex(BigInt(`0x${randomBytes(NONCE_BYTES).toString('hex')}`));
  const specHash = specHashOf(escrowSpecOf(parseChatRequest(request), v.parse(HexHash, model.id)), salt);
  const budget = options.budget ?? mostOf(request);
  await fundOnDevnet(requester, budget, around.signal);
  const id = await contract.jobIdOf(account.address, nonce);
  // Kept before it is paid for: without request and salt it could only be cancelled.
  const path = await writeEscrowFile(around.folder, { id, salt, request });
  const deadline = Math.max(await contract.time(), Math.floor(Date.now() / 1000)) + options.minutes * 60;
  await act(requester, options, 'create_job', createCalls(contract.jobManager, { nonce, token, model: chainModelOf(model).id, specHash, budget, deadline }), around);
  around.write(`job               ${id}\nbudget            ${formatCredits(budget)}\ndeadline          ${new Date(deadline * 1000).toISOString()}\nrequest and salt  ${path}\n\nnpm run escrow -- ask ${id}\n`);
}

/** On a devnet tokens are nobody's: who has most of them gives what is missing. */
async function fundOnDevnet({ contract, account, token, devnet, keysOfAll, as }: EscrowAccount, budget: bigint, signal: AbortSignal): Promise<void> {
  const has = await contract.balanceOf(token, account.address);
  if (has >= budget || !devnet) return;
  const balances = await Promise.all(keysOfAll.map(async (keys) => ({ keys, amount: await contract.balanceOf(token, keys.address) })));
  const richest = balances.reduce((most, each) => (each.amount > most.amount ? each : most));
  const transaction = await as(richest.keys).act('transfer', transferCalls(token, account.address, budget - has));
  await landed({ contract }, transaction, 'transfer', signal);
}

async function askWith(url: string, id: EscrowId, { folder, env, write, signal }: EscrowSurroundings): Promise<void> {
  const file = await readEscrowFile(folder, id);
  const { request, salt } = file;
  const { ciro, ...rest } = request;
  const own = v.parse(v.object({ assurance: v.picklist(['stream', 'checked']) }), ciro);
  const apiKey = env['OPENAI_API_KEY'] || (await trialKey(url));
  const body = { ...rest, stream: true, ciro: { ...own, escrow: id, escrow_salt: salt } } as const;
  const answer = await ask({ baseUrl: `${url}/v1`, apiKey }, body, { job: () => undefined, text: write }, signal);
  await writeEscrowFile(folder, { ...file, asked: { job: answer.job, apiKey, text: answer.text } });
  write(`\n\njob ${answer.job}, paid by ${id}; npm run escrow -- status ${id}\n`);
}

/** The evidence of an answer and what was asked, as `npm run verify -- answer` takes it. */
async function evidence(url: string, id: EscrowId, { folder, write, signal }: EscrowSurroundings): Promise<void> {
  const { asked, request, salt } = await readEscrowFile(folder, id);
  if (asked === undefined) throw usage(`${id} was not answered from here: \`ask\` comes first`, ESCROW_USAGE);
  const found = await answerEvidence({ baseUrl: `${url}/v1`, apiKey: asked.apiKey }, asked.job, signal);
  const path = join(folder, `${id}.evidence.json`);
  const sent = { ...request, ciro: { ...v.parse(v.looseObject({}), request['ciro']), escrow: id, escrow_salt: salt } };
  await writeFile(path, `${JSON.stringify({ ...found.evidence, ...(found.earlier.length === 0 ? {} : { earlier: found.earlier }), request: sent, answer_text: asked.text })}\n`, { mode: 0o600 });
  write(`${path}\nnpm run verify -- answer ${path}\n`);
}

async function trialKey(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/trial`, { method: 'POST' });
  const body: unknown = await response.json();
  if (!response.ok) throw apiError(response.status, body);
  return v.parse(v.object({ key: v.string() }), body).key;
}

async function status(id: EscrowId, { chainFile, env, write }: EscrowSurroundings): Promise<void> {
  const { contract } = await openAccount(await chainFile(), env);
  const [job, { refundGrace, disputeWindow }] = await Promise.all([contract.job(id, 'newest'), contract.times()]);
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const lines: readonly (readonly [string, string])[] = [
    ['state', job.state],
    ['client', job.client],
    ['budget', formatCredits(job.budget)],
    ['used', formatCredits(job.used)],
    ['deadline', at(job.deadline)],
    ['refund from', at(job.deadline + refundGrace)],
    ...(job.state === 'submitted' ? [['settled from', at(job.since + disputeWindow)] as const] : []),
    ['spec hash', job.specHash],
    ['result root', job.resultRoot],
  ];
  for (const [name, value] of job.state === 'unknown' ? lines.slice(0, 1) : lines) write(`${name.padEnd(18)}${value}\n`);
}

/** By the operator: the coordinator's account, with its own key, or a devnet's. */
async function revoke(model: string, { chainFile, env, write, signal }: EscrowSurroundings): Promise<void> {
  const operator = await openOperator(await chainFile(), env);
  const transaction = await operator.contract.revokeModel(chainModelOf({ id: model, file: model }).id);
  write(`revoke_model: transaction ${transaction}\n`);
  await landed(operator, transaction, 'revoke_model', signal);
}
