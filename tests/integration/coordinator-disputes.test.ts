import { expect, it, vi } from 'vitest';
import { evidenceFelt, textHash } from '@ciro/core/dispute/case-file.ts';
import { judgeCase } from '@ciro/core/dispute/judge-case.ts';
import { identityPublicKey } from '@ciro/core/identity/identity.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { MemoryCourt } from '@ciro/signaling/disputes/memory-court.fixture.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { AuditedNetwork } from '../support/audited-network.ts';
import type { AuditedWorker } from '../support/audited-network.ts';

const CHEAT = 9;
const ACCUSED = payoutAddress(identityPublicKey(`0x${(0x1234_5678 + CHEAT).toString(16)}`));
const WORKERS: readonly AuditedWorker[] = [...[1, 2, 3, 4, 5].map((seed) => ({ seed, profile: { headMs: 50 } })), { seed: CHEAT, profile: { headMs: 0.1 }, misbehaviour: { wrongFrom: 40 } }];

interface Listed {
  readonly worker: string;
  readonly state: string;
  readonly case_file: string;
  readonly ruling: { readonly guilty: boolean } | null;
}

it('Q1, Q3, Q4: a coordinator publishes the case of whom it convicts and opens it, over a restart too; whom a vote acquits hears that it is placed again', async () => {
  const court = new MemoryCourt();
  court.stakes.set(ACCUSED, 100n);
  const disputes = { court, pool: court, confirmations: 0, lookEveryMs: 50 };
  const first = await AuditedNetwork.start({ options: { expectWorkers: WORKERS.length, disputes } });
  for (const worker of WORKERS) await first.join(worker);
  await first.coordinator.whenReady(AbortSignal.timeout(20_000));
  await (await first.ask({ max_tokens: 40, stream: true })).text();
  const listed = async (net: AuditedNetwork): Promise<Listed[]> => ((await (await net.fetch('/v1/disputes')).json()) as { data: Listed[] }).data;
  await vi.waitFor(async () => expect(await listed(first)).toMatchObject([{ state: 'noted', accused: ACCUSED, stage: 2 }]), { timeout: 20_000 });
  const [noted] = await listed(first);
  await first.close();

  // It ends before the chain has its case, and finds it when it begins again.
  court.mine();
  await using net = await AuditedNetwork.start({ folder: first.folder, options: { disputes } });
  await vi.waitFor(async () => expect(await listed(net)).toMatchObject([{ state: 'opened', case_id: 1 }]), { timeout: 20_000 });
  expect(court.cases).toMatchObject([{ accused: ACCUSED, evidence: evidenceFelt(noted?.case_file ?? '') }]);
  const text = await (await net.fetch(`/v1/disputes/${court.cases[0]?.evidence}/file`)).text();
  expect(textHash(text)).toBe(noted?.case_file);
  // No judge without a model; what it can see without one holds.
  const { finding, report } = await judgeCase(JSON.parse(text), { verifySignature });
  expect([finding, report.checks.map(({ state }) => state)]).toEqual(['cannot tell', ['ok', 'ok', 'ok', 'not checked', 'not checked']]);

  const cheat = await net.join(WORKERS.at(-1) as AuditedWorker);
  court.ruleBy(1, false);
  await vi.waitFor(async () => {
    court.mine();
    expect(await listed(net)).toMatchObject([{ state: 'closed', ruling: { guilty: false } }]);
  }, { timeout: 20_000 });
  await vi.waitFor(() => expect(cheat.received.findLast(({ type }) => type === 'standing')).toMatchObject({ state: 'active', failedAudits: 0 }), { timeout: 20_000 });
  const { data } = (await (await net.fetch('/v1/nodes')).json()) as { data: { node_id: string; state: string }[] };
  expect(data.filter(({ state }) => state === 'demoted')).toEqual([]);
});
