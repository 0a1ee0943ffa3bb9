import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { toBase64 } from '@ciro/core/bytes.ts';
import { SUPPLY_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { AuditId, HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { jobId, nodeId } from '../scheduler/workers.fixture.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import { AUDIT_LOAD_MS, AUDITOR_REST_MS, SUPPLY_SILENT_MS } from './audit-limits.ts';
import { AuditNetwork } from './audit-network.fixture.ts';
import type { AuditResult } from './audit-desk.ts';
import type { PlayedJob } from './played-job.fixture.ts';

const statuses = ({ stages }: AuditResult): string[] => stages.map(({ status }) => status);
const PASSED = ['passed', 'passed', 'passed'];
type Piece = Extract<WorkMessage, { type: 'piece' }>;

/** A network of three stages and `spares`, and a checked job of it. */
async function setup(spares: number): Promise<{ network: AuditNetwork; played: PlayedJob; run: () => Promise<AuditResult> }> {
  const network = await AuditNetwork.make(3 + spares);
  const played = network.play(1);
  return { network, played, run: () => network.until(network.audit(network.desk(), played)) };
}

/** Changes pieces that a tab says. */
const piecesOf = (change: (piece: Piece) => Piece) => (message: WorkMessage): WorkMessage => (message.type === 'piece' ? change(message) : message);

it.each([
  ['other bytes under the right name', (piece: Piece) => ({ ...piece, bytes: piece.bytes.map((byte) => byte ^ 1) }), 'piece-wrong-hash'],
  ['a piece of another name', (piece: Piece) => ({ ...piece, sha256: 'ee'.repeat(32) as HexHash }), 'piece-wrong-hash'],
  ['an oversized piece', (piece: Piece) => ({ ...piece, total: piece.total + 4 }), 'piece-wrong-size'],
  ['a part past the end', (piece: Piece) => ({ ...piece, offset: piece.total - 1 }), 'piece-wrong-size'],
  ['a part out of order', (piece: Piece) => ({ ...piece, offset: 1 }), 'piece-out-of-order'],
  ['a unit that nobody asked for', (piece: Piece) => ({ ...piece, unit: 4_000 }), 'piece-unasked'],
  ['the side that was not asked for', (piece: Piece) => ({ ...piece, side: 'rows' as const }), 'piece-unasked'],
])('A5: a worker that supplies %s is refused by name, once for each side, and its neighbours give the same bytes', async (_, change, code) => {
  const { network, run } = await setup(1);
  network.tab(2).word = piecesOf(change);
  expect(statuses(await run())).toEqual(PASSED);
  expect(network.refused).toEqual([`${code} by 2`, `${code} by 2`]);
  expect(network.standings.isDemoted(nodeId(2))).toBe(false);
});

it('A2: rows that a worker does not keep come from its neighbours, at once', async () => {
  const { network, run } = await setup(1);
  network.tab(2).keep({ record: network.play(1).record, kept: [] }, 1);
  expect(statuses(await run())).toEqual(PASSED);
  expect(network.sentOf('supply').filter(({ side }) => side === 'payload').length).toBe(4);
});

it('A2: work whose rows nobody supplies is unpaid, with no penalty, and the last stage alone has its payload', async () => {
  const { network, played, run } = await setup(1);
  network.tab(3).keep({ ...played, kept: [] }, 2);
  const result = await run();
  expect(statuses(result)).toEqual(['passed', 'passed', 'unpaid']);
  expect((await network.store.transcriptsOf(result.job)).find(({ stage }) => stage === 2)).toMatchObject({ outcome: 'unpaid', note: 'nobody supplied the rows', opinions: [] });
  expect(network.money.booked).toContain('unpaid 1 3');
  expect([network.standings.isDemoted(nodeId(3)), network.refused]).toEqual([false, []]);
});

it('a worker that is silent when asked to supply is given up for its neighbours; other jobs do not wait for it', async () => {
  const { network, played } = await setup(2);
  const desk = network.desk();
  network.tab(1).instead = ({ type }) => type === 'supply';
  const slow = network.audit(desk, played);
  await network.add(6);
  await network.add(7);
  await network.quiet();
  const asked = network.clock.now();
  const other = await network.until(network.audit(desk, network.play(2, { by: [6, 7] })));
  expect(statuses(other)).toEqual(['passed', 'passed']);
  expect(network.clock.now() - asked).toBeLessThan(SUPPLY_SILENT_MS);
  await network.pass(SUPPLY_SILENT_MS);
  expect(statuses(await network.until(slow))).toEqual(PASSED);
});

it('a worker that drips pieces is given up when the time for supplying is over', async () => {
  const { network, played } = await setup(1);
  const held: WorkMessage[] = [];
  network.tab(3).word = (message) => (message.type === 'piece' ? void held.push(message) : message);
  const running = network.audit(network.desk(), played);
  await network.quiet();
  for (let dripped = 0; dripped < 6; dripped++) {
    const piece = held[dripped];
    if (piece !== undefined) network.tab(3).say(piece);
    await network.pass(SUPPLY_TIMEOUT_MS / 6);
  }
  expect(statuses(await network.until(running))).toEqual(['passed', 'passed', 'unpaid']);
});

it('a worker that uploads for one audit is not silent about another', async () => {
  const { network, played } = await setup(1);
  const held: WorkMessage[] = [];
  network.tab(2).word = (message) => (message.type === 'piece' ? void held.push(message) : message);
  const running = network.audit(network.desk(), played);
  await network.quiet();
  // First all of the one side, then the other: twice as long as a silence may be, in all.
  const sides = held.toSorted((a, b) => (a.type === 'piece' && b.type === 'piece' ? a.side.localeCompare(b.side) : 0));
  for (const [index, piece] of sides.entries()) {
    network.tab(2).say(piece);
    if (index % 6 === 5) await network.pass(SUPPLY_SILENT_MS / 2);
  }
  expect(statuses(await network.until(running))).toEqual(PASSED);
  expect(network.sentOf('supply', nodeId(3)).filter(({ side }) => side === 'input').length).toBe(1);
});

it.each([
  ['silent', () => undefined, []],
  ['refusing', (message: WorkMessage) => (message.type === 'audit-blind' ? { type: 'audit-refused', audit: message.audit, code: 'memory', message: 'none left' } as const : message), []],
  ['signing badly', (message: WorkMessage) => (message.type === 'audit-blind' ? { ...message, signature: '11'.repeat(64) } : message), ['blind-forged by 4']],
  ['opening with another salt', (message: WorkMessage) => (message.type === 'audit-opened' ? { ...message, salt: '00'.repeat(16) } : message), ['opening-forged by 4']],
  ['opening fewer rows', (message: WorkMessage) => (message.type === 'audit-opened' ? { ...message, rows: message.rows.slice(1) } : message), ['opening-forged by 4']],
  ['opening without its rows', (message: WorkMessage) => (message.type === 'piece' && message.side === 'rows' && message.unit === 1 ? undefined : message), ['opening-incomplete by 4']],
  ['sending rows that do not hash', (message: WorkMessage) => (message.type === 'piece' && message.side === 'rows' ? { ...message, bytes: message.bytes.map(() => 0) } : message), ['piece-wrong-hash by 4']],
  ['speaking of ids that were not there', (message: WorkMessage) => (message.type === 'audit-opened' ? { ...message, ids: { checked: 1, ambiguous: 0, wrong: [] } } : message), ['ids-unasked by 4']],
] as const)('A4: an auditor that is %s is followed by another one; the work is judged without it', async (_, word: (message: WorkMessage) => WorkMessage | undefined, refused) => {
  const network = await AuditNetwork.make(5);
  const played = network.play(1, { by: [1, 2] });
  network.tab(4).word = word;
  // Tab 4 alone can be drawn at first: the other one comes later.
  network.leave(nodeId(5));
  network.leave(nodeId(3));
  const running = network.audit(network.desk({ rate: () => 1 }), played, { assurance: 'stream' });
  await network.quiet();
  network.join(5, {}, { devicePublicKey: network.tab(5).devicePublicKey });
  await network.pass(AUDIT_LOAD_MS + 60_000);
  await network.pass(AUDIT_LOAD_MS + 60_000);
  expect(statuses(await network.until(running))).toEqual(['passed', 'passed']);
  expect([...new Set(network.refused)]).toEqual(refused);
  expect(network.standings.records.get(nodeId(4))?.failedAudits).toBe(0);
  expect(network.money.booked.some((text) => text.startsWith('audit 1 4'))).toBe(false);
});

it('an auditor that leaves is followed by another one, and one that was silent is not drawn again soon', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk();
  network.tab(4).instead = ({ type }) => type === 'audit';
  const first = network.audit(desk, network.play(1, { by: [1] }));
  await network.quiet();
  network.leave(nodeId(4), 'closed');
  expect(statuses(await network.until(first))).toEqual(['passed']);
  network.join(4, {}, { devicePublicKey: network.tab(4).devicePublicKey });
  network.leave(nodeId(2));
  network.leave(nodeId(3));
  const second = network.audit(desk, network.play(2, { by: [1] }));
  await network.pass(AUDIT_LOAD_MS + 60_000);
  await network.until(second);
  expect(network.sentOf('audit-cancelled', nodeId(4)).length).toBeGreaterThan(0);
  const asked = network.sentOf('audit', nodeId(4)).length;
  await network.until(network.audit(desk, network.play(3, { by: [1] })));
  expect([network.sentOf('audit', nodeId(4)).length, network.reference.runs]).toEqual([asked, 2]);
  await network.pass(AUDITOR_REST_MS);
  network.tab(4).instead = () => false;
  await network.until(network.audit(desk, network.play(4, { by: [1] })));
  expect(network.sentOf('audit', nodeId(4)).length).toBe(asked + 1);
});

it('A4: an auditor that answers twice changes nothing and is refused once', async () => {
  const { network, run } = await setup(1);
  const tab = network.tab(4);
  tab.word = (message) => {
    if (message.type === 'audit-blind') for (let again = 0; again < 3; again++) setImmediate(() => tab.say({ ...message, commitment: 'aa'.repeat(32) as HexHash }));
    if (message.type === 'audit-opened') for (let again = 0; again < 3; again++) setImmediate(() => tab.say({ ...message, salt: '00'.repeat(16) }));
    return message;
  };
  expect(statuses(await run())).toEqual(PASSED);
  await network.quiet();
  // One for each of the three audits.
  expect(network.refused).toEqual(['answered-already by 4', 'answered-already by 4', 'answered-already by 4']);
});

it('A4: a replayed opening, of another audit, is none', async () => {
  const { network, run } = await setup(2);
  let first: Extract<WorkMessage, { type: 'audit-blind' }> | undefined;
  const commitments: string[] = [];
  network.tab(4).word = (message) => {
    if (message.type !== 'audit-blind') return message;
    first ??= message;
    commitments.push(message.commitment);
    return { ...first, audit: message.audit };
  };
  expect(statuses(await run())).toEqual(PASSED);
  expect(new Set(network.refused).isSubsetOf(new Set(['opening-forged by 4']))).toBe(true);
  expect(network.refused.length).toBe(Math.max(0, commitments.length - 1));
});

it('A4: a bribed auditor cannot pass a cheat: it would have to open other rows than it committed to', async () => {
  const network = await AuditNetwork.make(5);
  const cheat = (stage: number, _: number, row: Float32Array) => (stage === 1 ? row.map((value) => Math.round(value * 64) / 64) : row);
  const played = network.play(1, { cheat });
  // Once it is shown the leaves, it has the worker's rows and opens those.
  for (const n of [4, 5]) {
    const tab = network.tab(n);
    tab.instead = (message: CoordinatorMessage) => {
      if (message.type !== 'audit-open' || message.leaves.length === 0) return false;
      const task = network.sentOf('audit', tab.node).find(({ audit }) => audit === message.audit);
      const rows = task?.stage === 1 ? played.kept[1]?.payload : undefined;
      if (rows === undefined) return false;
      rows.forEach((bytes, unit) => tab.sayPiece(message.audit, 'rows', unit, bytes));
      tab.say({ type: 'audit-opened', audit: message.audit, salt: message.audit, rows: rows.map((bytes) => createHash('sha256').update(bytes).digest('hex') as HexHash), ids: null });
      return true;
    };
  }
  const result = await network.until(network.audit(network.desk(), played));
  expect(statuses(result)).toEqual(['passed', 'unpaid', 'passed']);
  expect(network.refused.toSorted()).toEqual(['opening-forged by 4', 'opening-forged by 5']);
});

it('rows that are the worker\'s to the last bit, from an engine of another class, are a copy and no opinion', async () => {
  const network = await AuditNetwork.make(4, { engines: ['wasm', 'wasm', 'wasm', 'webgpu'] });
  const played = network.play(1, { by: [1] });
  const none = { p50: 0, p95: 0 };
  const stats = { engine: 'wasm', decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 } as const;
  const record = { ...played.record, stages: played.record.stages.map((stage) => ({ ...stage, stats })) };
  network.leave(nodeId(2));
  network.leave(nodeId(3));
  const result = await network.until(network.audit(network.desk(), { ...played, record }));
  expect([statuses(result), network.refused, network.reference.runs]).toEqual([['passed'], ['too-equal by 4'], 1]);
});

it('A5: malformed hints convict: they were hashed, so they are the worker\'s own', async () => {
  const { network, played } = await setup(2);
  const bad = Uint8Array.of(255, 255, 255, 255, 255, 255);
  const hintHash = createHash('sha256').update(bad).digest('hex') as HexHash;
  const record = { ...played.record, stages: played.record.stages.map((stage, index) => (index === 1 ? { ...stage, units: stage.units.map((unit, at) => (at === 2 ? { ...unit, hints: toBase64(bad), hintHash } : unit)) } : stage)) };
  const result = await network.until(network.audit(network.desk(), { ...played, record }));
  expect(result.stages[1]).toEqual({ status: 'failed', firstBadPosition: 32 });
  expect((await network.store.transcriptsOf(result.job)).find(({ stage }) => stage === 1)?.opinions[0]?.verdict.first?.code).toBe('bad-hints');
});

it('work without a root that holds, or with units missing in between, cannot be audited: unpaid, and the reason is kept', async () => {
  const { network, played } = await setup(1);
  const [one, two, three] = played.record.stages;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three stages');
  const { root: _, ...rootless } = one;
  const record = { ...played.record, stages: [rootless, { ...two, units: two.units.filter((__, index) => index !== 1) }, { ...three, units: [], paidPositions: 0 }] };
  const running = network.audit(network.desk({ rate: () => 1 }), { ...played, record }, { assurance: 'stream' });
  const result = await network.until(running);
  expect(statuses(result)).toEqual(['unpaid', 'unpaid', 'unpaid']);
  expect((await network.store.transcriptsOf(result.job)).map(({ stage, note }) => [stage, note])).toEqual([[0, 'no root that holds was posted for this stage'], [1, 'units are missing between those that were sent']]);
  expect(network.money.booked.toSorted()).toEqual(['unpaid 1 1', 'unpaid 1 2', 'unpaid 1 3']);
});

it('messages about audits and jobs that do not exist, or are another\'s, are refused by name and change nothing', async () => {
  const { network, played } = await setup(2);
  const audit = 'ab'.repeat(16) as AuditId;
  const say = (n: number, message: WorkMessage): void => network.say(nodeId(n), message);
  const running = network.audit(network.desk(), played);
  await network.quiet();
  say(5, { type: 'audit-opened', audit, salt: '00'.repeat(16), rows: ['aa'.repeat(32) as HexHash], ids: null });
  say(5, { type: 'audit-refused', audit, code: 'x', message: 'x' });
  say(5, { type: 'nonce', job: jobId(77), version: 1, rootsHash: 'aa'.repeat(32) as HexHash, nonce: '05'.repeat(32), signature: 'ab'.repeat(64) });
  const theirs = network.sent.find(({ message }) => message.type === 'supply');
  if (theirs?.message.type === 'supply') say(5, { type: 'piece', audit: theirs.message.audit, side: 'input', unit: 0, sha256: 'aa'.repeat(32) as HexHash, offset: 0, total: 1, bytes: Uint8Array.of(1) });
  expect(network.refused).toEqual(['unknown-audit by 5', 'unknown-audit by 5', 'nonce-unasked by 5', 'unknown-audit by 5']);
  expect(statuses(await network.until(running))).toEqual(PASSED);
});

it('who was asked to supply cannot speak as an auditor, nor an auditor as a supplier', async () => {
  const { network, played } = await setup(1);
  network.tab(1).instead = (message, tab) => {
    if (message.type === 'supply') tab.say({ type: 'audit-refused', audit: message.audit, code: 'x', message: 'x' });
    return false;
  };
  network.tab(4).instead = (message, tab) => {
    if (message.type === 'audit') {
      tab.say({ type: 'supply-refused', audit: message.audit, side: 'input', code: 'x', message: 'x' });
      tab.say({ type: 'audit-opened', audit: message.audit, salt: '00'.repeat(16), rows: ['aa'.repeat(32) as HexHash], ids: null });
      tab.sayPiece(message.audit, 'rows', 0, Uint8Array.of(1));
    }
    return false;
  };
  expect(statuses(await network.until(network.audit(network.desk(), played)))).toEqual(PASSED);
  expect(new Set(network.refused)).toEqual(new Set(['not-an-auditor by 1', 'not-a-supplier by 4', 'opened-early by 4', 'piece-early by 4']));
});

it('a tab that floods is refused once a kind and exchange', async () => {
  const { network, played } = await setup(1);
  network.tab(2).instead = (message, tab) => {
    if (message.type !== 'supply') return false;
    for (let index = 0; index < 500; index++) tab.say({ type: 'piece', audit: message.audit, side: message.side, unit: 9_999, sha256: 'aa'.repeat(32) as HexHash, offset: 0, total: 1_000, bytes: new Uint8Array(10) });
    return true;
  };
  expect(statuses(await network.until(network.audit(network.desk(), played)))).toEqual(PASSED);
  // Its own two sides, and two that it was asked for as a neighbour.
  expect(network.refused.length).toBeLessThanOrEqual(4);
});

it('A3: two jobs may be party to each other\'s audits; nobody audits its own', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk();
  const both = await network.until(Promise.all([network.audit(desk, network.play(1, { by: [1, 2] })), network.audit(desk, network.play(2, { by: [3, 4] }))]));
  expect(both.map(statuses)).toEqual([['passed', 'passed'], ['passed', 'passed']]);
  for (const { job } of both) {
    const parties: readonly NodeId[] = job === jobId(1) ? [nodeId(1), nodeId(2)] : [nodeId(3), nodeId(4)];
    for (const { opinions } of await network.store.transcriptsOf(job)) for (const { auditor } of opinions) expect(parties).not.toContain(auditor);
  }
});
