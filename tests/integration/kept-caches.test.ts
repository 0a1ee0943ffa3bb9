import { expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { LAUNCH_RATES } from '@ciro/core/pricing/price.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { AuditedNetwork, PROMPT_TOKENS } from '../support/audited-network.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';

/** Whole units of the one prompt of the fabricated model that an order may begin with. */
const REUSED = 16;
const TOKENS = 24;

interface Completion {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
  readonly ciro: { readonly job: string };
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}
interface Asked {
  readonly job: string;
  readonly cached: number;
  readonly text: string;
  readonly evidence: EvidenceFile;
  readonly events: readonly Record<string, unknown>[];
}

/** Asks, waits until nothing more is booked, and gives all that the account can read of it. */
async function ask(network: AuditedNetwork, ciro: Record<string, unknown> = {}): Promise<Asked> {
  const completion = (await (await network.ask({ max_tokens: TOKENS, ciro })).json()) as Completion;
  const { job } = completion.ciro;
  const told = await (await network.fetch(`/v1/jobs/${job}/events`)).text();
  const events = told.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as Record<string, unknown>] : []));
  const evidence = (await (await network.fetch(`/v1/jobs/${job}/evidence?pieces=1`)).json()) as EvidenceFile;
  return { job, cached: completion.usage.prompt_tokens_details.cached_tokens, text: completion.choices[0]?.message.content ?? '', evidence, events };
}

async function started(...forgetful: readonly number[]): Promise<AuditedNetwork> {
  const network = await AuditedNetwork.start({ options: { expectWorkers: 5 } });
  for (const seed of [1, 2, 3, 4, 5]) await network.join({ seed, forgets: forgetful.includes(seed) });
  await network.coordinator.whenReady(AbortSignal.timeout(20_000));
  return network;
}

it('V2, V4 to V6: the account\'s next request begins with what the tabs keep: told, audited, verified, and not charged', async () => {
  await using network = await started();
  const first = await ask(network);
  expect([first.cached, first.evidence.prefix]).toEqual([0, undefined]);
  const next = await ask(network);
  expect([next.cached, next.text]).toEqual([REUSED, first.text]);
  expect(next.events.filter(({ type }) => type === 'started')).toEqual([{ type: 'started', cached_tokens: REUSED }]);
  expect(next.evidence.plan.signed.plan.prefix).toEqual({ job: first.job, planHash: first.evidence.plan.hash, positions: REUSED });
  for (const stage of next.evidence.stages) expect([stage.units[0]?.from, stage.paid_positions, stage.audit_status]).toEqual([REUSED, PROMPT_TOKENS + TOKENS - 1 - REUSED, 'passed']);
  expect(BigInt(next.evidence.ledger.debit)).toBe(BigInt(first.evidence.ledger.debit) - LAUNCH_RATES.promptToken * BigInt(REUSED));
  expect(next.evidence.ledger.held).toBe(first.evidence.ledger.held);
  for (const { evidence } of [first, next]) expect((await verifyAnswer(evidence, { verifySignature })).first).toBeNull();
});

it('V3: nothing is reused for a checked answer, nor where the client does not want it', async () => {
  await using network = await started();
  await ask(network);
  expect((await ask(network, { reuse: false })).cached).toBe(0);
  const checked = await ask(network, { assurance: 'checked' });
  expect([checked.cached, checked.evidence.plan.signed.plan.prefix]).toEqual([0, undefined]);
  expect(await (await network.ask({ ciro: { reuse: 'no' } })).json()).toMatchObject({ error: { param: 'ciro.reuse' } });
});

it('V2, V3: tabs that keep nothing refuse the plan by name, the answer is placed anew without it, and nobody is blamed', async () => {
  await using network = await started(1, 2, 3, 4, 5);
  const first = await ask(network);
  const next = await ask(network);
  expect([next.cached, next.text]).toEqual([0, first.text]);
  expect(next.events.map(({ type }) => type).filter((type) => type !== 'queued').slice(0, 3)).toEqual(['started', 'prefix_gone', 'started']);
  expect(next.events.find(({ type }) => type === 'prefix_gone')).toEqual({ type: 'prefix_gone', job: first.job, positions: REUSED });
  expect(next.evidence.plan.version).toBe(2);
  expect(next.evidence.stages.map(({ worker }) => worker)).toEqual(first.evidence.stages.map(({ worker }) => worker));
});
