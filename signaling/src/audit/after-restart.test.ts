import { expect, it } from 'vitest';
import { nodeId } from '../scheduler/workers.fixture.ts';
import { pendingAfterRestart, settleAfterRestart } from './after-restart.ts';
import { AuditNetwork } from './audit-network.fixture.ts';

it('M7: a job whose draw was never made is payable after a restart, without making the record longer; work without a root is unpaid', async () => {
  const network = await AuditNetwork.make(3, { passed: 10 });
  const { record } = network.play(1, { tokens: 3 });
  const stages = record.stages.map((stage, index) => {
    if (index !== 1) return stage;
    const { root: _, ...rest } = stage;
    return rest;
  });
  const decisions = await settleAfterRestart(network.deps, { ...record, stages });
  expect(decisions.map(({ stage, worker, decision, note }) => [stage, worker, decision, note])).toEqual([
    [0, nodeId(1), 'payable', 'the coordinator restarted before the draw, or in the middle of the audit'],
    [1, nodeId(2), 'unpaid', 'no root that holds was posted for this stage'],
    [2, nodeId(3), 'payable', 'the coordinator restarted before the draw, or in the middle of the audit'],
  ]);
  expect(network.money.booked).toEqual(['payable 1 1 5000', 'unpaid 1 2', 'payable 1 3 5000']);
  expect(network.standings.records.get(nodeId(1))?.passed).toBe(10);
});

it('a transcript that was saved before the process ended decides as it would have', async () => {
  const network = await AuditNetwork.make(5);
  const played = network.play(1, { cheat: (stage, _, row) => (stage === 1 ? row.map((value) => value * 1.1) : row) });
  network.money.failOn = 'payable 1 1';
  await network.until(network.audit(network.desk(), played)).catch(() => undefined);
  // The next process: its own books, the same store and records.
  network.money.failOn = undefined;
  network.money.booked.length = 0;
  const transcripts = await network.store.transcriptsOf(played.record.signed.plan.job);
  expect(pendingAfterRestart(played.record, transcripts).map(({ decision }) => decision)).toEqual(['payable', 'failed', 'payable']);
  const failedAudits = network.standings.records.get(nodeId(2))?.failedAudits;
  await settleAfterRestart(network.deps, played.record);
  expect(network.money.booked.filter((text) => !text.startsWith('audit'))).toEqual(['payable 1 1 0', 'failed 1 2', 'payable 1 3 0']);
  expect(network.money.booked.filter((text) => text.startsWith('audit')).length).toBe(4);
  // It was demoted before: once is enough.
  expect(network.standings.records.get(nodeId(2))?.failedAudits).toBe(failedAudits);
});

it('a worker that was convicted but not yet demoted is demoted after the restart', async () => {
  const network = await AuditNetwork.make(5);
  const played = network.play(1, { cheat: (stage, _, row) => (stage === 1 ? row.map((value) => value * 1.1) : row) });
  await network.until(network.audit(network.desk(), played));
  network.standings.set(nodeId(2), { demotedAt: null });
  await settleAfterRestart(network.deps, played.record);
  expect(network.standings.isDemoted(nodeId(2))).toBe(true);
});
