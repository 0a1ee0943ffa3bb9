import { expect, it } from 'vitest';
import { jobId, nodeId } from '../scheduler/workers.fixture.ts';
import { SUPPLY_SILENT_MS } from './audit-limits.ts';
import { AuditNetwork } from './audit-network.fixture.ts';

it('closing decides what can be decided and calls the rest off, whose credits stay pending', async () => {
  const network = await AuditNetwork.make(3);
  // Stage 1 is passed by, stage 2 is being audited, and its auditor is told that nobody waits any more.
  network.standings.set(nodeId(2), { passed: 0 });
  const desk = network.desk({ rate: (passed) => (passed === 0 ? 1 : 0) });
  network.tab(3).instead = ({ type }) => type === 'audit';
  const running = network.audit(desk, network.play(1, { by: [1, 2] }), { assurance: 'stream' });
  const waiting = network.audit(desk, network.play(2, { by: [1, 2], requesterNonce: '0d'.repeat(32) }), { assurance: 'stream' });
  const ends = Promise.allSettled([running, waiting]);
  await network.quiet();
  await desk.close();
  expect(await ends).toMatchObject([{ reason: { code: 'closed' } }, { reason: { code: 'closed' } }]);
  expect(network.money.booked).toEqual(['payable 1 1 0']);
  expect(network.sentOf('audit-cancelled', nodeId(3)).length).toBe(1);
  await expect(network.audit(desk, network.play(3, { by: [1, 2] }))).rejects.toMatchObject({ code: 'closed' });
  expect([network.clock.pending, network.errors]).toEqual([0, []]);
});

it('jobs past the desk\'s bounds wait for their draw: their roots are not shown before', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk({ limits: { jobs: 1, bytes: 1e9, waiting: 1 } });
  network.tab(1).instead = ({ type }) => type === 'supply';
  const first = network.audit(desk, network.play(1, { by: [1] }));
  const second = network.audit(desk, network.play(2, { by: [2] }));
  await expect(network.audit(desk, network.play(3, { by: [3] }))).rejects.toMatchObject({ code: 'full' });
  await network.quiet();
  expect(network.sentOf('reveal').map(({ job }) => job)).toEqual([jobId(1)]);
  await network.pass(SUPPLY_SILENT_MS);
  expect((await first).stages).toMatchObject([{ status: 'unpaid' }]);
  expect((await network.until(second)).stages).toMatchObject([{ status: 'passed' }]);
});

it('a model that is not served any more is refused by name', async () => {
  const network = await AuditNetwork.make(2);
  const played = network.play(1, { by: [1, 2] });
  const { plan } = played.record.signed;
  const record = { ...played.record, signed: { ...played.record.signed, plan: { ...plan, modelId: plan.promptHash } } };
  await expect(network.audit(network.desk(), { ...played, record })).rejects.toMatchObject({ code: 'unknown-model' });
});

it('A8: without any auditor, a reference run that fails costs no worker its pay: the credit stays pending', async () => {
  const network = await AuditNetwork.make(1);
  network.reference.instead = async () => {
    throw new Error('no engine');
  };
  await expect(network.until(network.audit(network.desk(), network.play(1, { by: [1] })))).rejects.toMatchObject({ code: 'not-settled', fields: { stages: [0] } });
  expect(network.money.booked).toEqual([]);
});

it('a store that fails before the draw is told to the caller; nothing is decided', async () => {
  const network = await AuditNetwork.make(2);
  network.store.saveDraw = async () => {
    throw new Error('no database');
  };
  await expect(network.until(network.audit(network.desk(), network.play(1, { by: [1, 2] })))).rejects.toThrow('no database');
  expect([network.money.booked, network.sentOf('release'), network.clock.pending]).toEqual([[], [], 1]);
});
