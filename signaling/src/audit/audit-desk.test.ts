import { expect, it } from 'vitest';
import { isRechecked } from '@ciro/core/audit/audit-draw.ts';
import { checkDraw } from '@ciro/core/audit/check-draw.ts';
import { checkTranscript } from '@ciro/core/audit/check-transcript.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import { nodeId } from '../scheduler/workers.fixture.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { AuditNetwork } from './audit-network.fixture.ts';
import { TOY_TABLE } from './toy-stage.fixture.ts';
import type { PlayedJob } from './played-job.fixture.ts';

/** Everything that core finds wrong with a job's draw and transcripts, made again from what was stored. */
async function foundWrong(network: AuditNetwork, { record }: PlayedJob): Promise<unknown[]> {
  const { plan } = record.signed;
  const draw = await network.store.drawOf(plan.job);
  if (draw === undefined) return ['no draw'];
  const problems: unknown[] = [...(await checkDraw(draw, { plan, roots: record.stages.map(({ root }) => root?.root ?? null), units: record.stages.map(({ units }) => units.length) }, verifySignature))];
  const pieces = await network.store.pieces(plan.job);
  for (const transcript of await network.store.transcriptsOf(plan.job)) {
    const check = await checkTranscript(transcript, { plan, stage: transcript.stage, coordinatorPublicKey: network.key.publicKey, table: TOY_TABLE, units: unitsOf(record, transcript.stage), root: record.stages[transcript.stage]?.root?.root ?? null }, { verifySignature, pieces, draw });
    problems.push(...check.problems, ...check.unchecked.filter((what) => !what.includes('gave no opinion')));
  }
  return problems;
}

const unitsOf = ({ stages }: JobRecord, stage: number) =>
  (stages[stage]?.units ?? []).map(({ receipt: { body }, canonHash, hintHash, hints }, index) => ({ ...body, canonHash, hintHash, hints: fromBase64(hints), salt: stages[stage]?.root?.salts[index] ?? null }));

/** Enough jobs that one in twenty is drawn for certain: 0.95^300 is 2 in ten million. */
const BOUGHT_JOBS = 300;

/** Rows pushed by 2^-7 from a position on: a coarser computation. */
const coarse = (stage: number, from: number) => (at: number, position: number, row: Float32Array) => (at === stage && position >= from ? row.map((value) => Math.round(value * 64) / 64) : row);

it('A2 to A6, M7, M8: a checked job is audited in full by independent tabs, passes, and can be made again from what is stored', async () => {
  const network = await AuditNetwork.make(5);
  const played = network.play(1);
  const heard: string[] = [];
  const result = await network.until(network.audit(network.desk(), played, { onStage: (stage, status) => void heard.push(`${stage} ${status}`) }));
  expect(result.stages).toEqual([1, 2, 3].map(() => ({ status: 'passed', firstBadPosition: null })));
  expect(result.draw.stages.map(({ reason, units, rate }) => [reason, units, rate])).toEqual([1, 2, 3].map(() => ['checked', 4, 1]));
  const transcripts = await network.store.transcriptsOf(result.job);
  expect(transcripts.map(({ outcome, opinions }) => [outcome, opinions.map(({ independent, engine, verdict }) => [independent, engine, verdict.passed])])).toEqual([1, 2, 3].map(() => ['passed', [[true, 'wasm', true]]]));
  expect(await foundWrong(network, played)).toEqual([]);
  // 600 a prompt token, 49 positions, two of six layers.
  expect(network.money.booked.map((text) => text.replace(/^(audit 1) [45]/, '$1 any')).sort()).toEqual(['audit 1 any 9800', 'audit 1 any 9800', 'audit 1 any 9800', 'payable 1 1 0', 'payable 1 2 0', 'payable 1 3 0']);
  expect(heard.sort()).toEqual(['0 passed', '1 passed', '2 passed']);
  expect([network.refused, network.errors, network.reference.runs]).toEqual([[], [], 0]);
});

it('A3, A4: no auditor is a party, none is told of the results before it committed, and only the last stage gets payloads', async () => {
  const network = await AuditNetwork.make(5);
  await network.until(network.audit(network.desk(), network.play(1)));
  const toAuditors = network.sent.filter(({ message }) => 'audit' in message && message.type !== 'supply');
  expect(new Set(toAuditors.map(({ to }) => to)).isSubsetOf(new Set([nodeId(4), nodeId(5)]))).toBe(true);
  for (const { message } of network.sent.filter(({ message: { type } }) => type === 'audit')) {
    if (message.type !== 'audit') continue;
    const about = network.sent.flatMap(({ message: each }) => ('audit' in each && each.audit === message.audit ? [each] : []));
    const order = about.map((each) => (each.type === 'piece' ? each.side : each.type)).filter((name, index, all) => name !== all[index - 1]);
    expect(order).toEqual(message.stage === 2 ? ['audit', 'input', 'audit-open', 'payload'] : ['audit', 'input', 'audit-open']);
    expect(JSON.stringify(about[0])).not.toContain(nodeId(message.stage + 1));
  }
});

it('A2, M7: a job that the draw passes by is payable at once, rows are given back, and n grows by one', async () => {
  const network = await AuditNetwork.make(4);
  const result = await network.until(network.audit(network.desk({ rate: () => 0 }), network.play(1), { assurance: 'stream' }));
  expect(result.stages.map(({ status }) => status)).toEqual(['passed by', 'passed by', 'passed by']);
  expect(network.sentOf('release').length).toBe(3);
  expect([network.sentOf('audit'), network.sentOf('supply'), await network.store.transcriptsOf(result.job)]).toEqual([[], [], []]);
  expect(network.money.booked.sort()).toEqual(['payable 1 1 0', 'payable 1 2 0', 'payable 1 3 0']);
  expect(network.sentOf('standing', nodeId(1))).toMatchObject([{ passed: 1_001, successfulAudits: 0, state: 'active', auditRate: 0 }]);
});

it('A2, M7: a newcomer is audited in full and has half kept back, until it has 200 stage-jobs', async () => {
  const network = await AuditNetwork.make(4);
  network.standings.set(nodeId(1), { passed: 0 });
  network.standings.set(nodeId(2), { passed: 199 });
  network.standings.set(nodeId(3), { passed: 200 });
  const result = await network.until(network.audit(network.desk({ rate: (passed) => (passed === 0 ? 1 : 0) }), network.play(1), { assurance: 'stream' }));
  expect(result.draw.stages.map(({ reason }) => reason)).toEqual(['newcomer', null, null]);
  expect(network.money.booked.filter((text) => text.startsWith('payable')).sort()).toEqual(['payable 1 1 5000', 'payable 1 2 5000', 'payable 1 3 0']);
  expect(network.standings.records.get(nodeId(1))).toMatchObject({ passed: 1, successfulAudits: 1 });
});

it('A2, M7: a job that brings much of what its worker has to lose is drawn the more often, and adds to the bond', async () => {
  const network = await AuditNetwork.make(4);
  network.money.stakes.set(nodeId(2), { credit: 1_000n, bond: 1_000n });
  network.money.stakes.set(nodeId(3), { credit: 1_000n, bond: 7_000n });
  const result = await network.until(network.audit(network.desk(), network.play(1), { assurance: 'stream' }));
  expect(result.draw.stages.map(({ rate }) => rate)).toEqual([0.02, 1, 0.25]);
  expect(network.money.booked.filter((text) => text.startsWith('payable')).sort()).toEqual(['payable 1 1 0', 'payable 1 2 5000', 'payable 1 3 5000']);
});

it('A2: the rate of 20 % is a setting, and draws about a fifth of the stages', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk({ rate: () => 0.2 });
  const results = await network.until(Promise.all(Array.from({ length: 60 }, (_, index) => network.audit(desk, network.play(index + 1, { tokens: 3 }), { assurance: 'stream' }))));
  const stages = results.flatMap(({ draw }) => draw.stages);
  const drawn = stages.filter(({ reason }) => reason === 'drawn');
  // 180 draws at 0.2: 36, and four standard deviations of 5.4.
  expect([stages.length, drawn.length > 14 && drawn.length < 58]).toEqual([180, true]);
  expect(stages.every(({ rate, draw, reason }) => (draw < rate) === (reason === 'drawn'))).toBe(true);
  expect(results.flatMap(({ stages: each }) => each).filter(({ status }) => status === 'passed').length).toBe(drawn.length);
});

it('A8, M7: a cheat is failed by an auditor, another one and the reference run; it is unpaid and demoted, its neighbours are paid', async () => {
  const network = await AuditNetwork.make(5);
  const played = network.play(1, { cheat: coarse(1, 20) });
  const result = await network.until(network.audit(network.desk(), played));
  expect(result.stages).toEqual([{ status: 'passed', firstBadPosition: null }, { status: 'failed', firstBadPosition: 16 }, { status: 'passed', firstBadPosition: null }]);
  const transcript = (await network.store.transcriptsOf(result.job)).find(({ stage }) => stage === 1);
  expect(transcript?.opinions.map(({ auditor, independent, verdict: { passed, first } }) => [auditor === 'coordinator', independent, passed, first?.unit, first?.code])).toEqual([
    [false, true, false, 1, 'far-from-edge'],
    [false, true, false, 1, 'far-from-edge'],
    [true, false, false, 1, 'far-from-edge'],
  ]);
  expect(await foundWrong(network, played)).toEqual([]);
  expect(network.money.booked.filter((text) => !text.startsWith('audit')).sort()).toEqual(['failed 1 2', 'payable 1 1 0', 'payable 1 3 0']);
  expect(network.money.booked.filter((text) => text.startsWith('audit')).length).toBe(4);
  expect(network.standings.isDemoted(nodeId(2))).toBe(true);
  expect(network.sentOf('standing', nodeId(2))).toMatchObject([{ state: 'demoted', failedAudits: 1 }]);
});

it('A8: the second opinion is of the other engine class when there is one', async () => {
  const network = await AuditNetwork.make(7, { engines: ['wasm', 'wasm', 'wasm', 'wasm', 'wasm', 'wasm', 'webgpu'] });
  const result = await network.until(network.audit(network.desk({ rate: () => 0 }), network.play(1, { cheat: coarse(1, 0), by: [1, 2, 3] })));
  const engines = (await network.store.transcriptsOf(result.job)).find(({ stage }) => stage === 1)?.opinions.map(({ engine }) => engine) ?? [];
  expect([new Set(engines.slice(0, 2)), engines[2]]).toEqual([new Set(['wasm', 'webgpu']), 'reference']);
});

it('A8: a lazy auditor fails honest work; the work is paid, the auditor is not, and loses one in its record', async () => {
  const network = await AuditNetwork.make(6);
  for (const n of [4, 5]) network.tab(n).bend = (rows) => rows.map((_, index) => ((index * 7919 + n) % 1000) / 500 - 1);
  const played = network.play(1);
  const result = await network.until(network.audit(network.desk(), played));
  const transcripts = await network.store.transcriptsOf(result.job);
  expect(await foundWrong(network, played)).toEqual([]);
  const firstByLazy = transcripts.filter(({ opinions }) => opinions[0]?.verdict.passed === false);
  // Tab 6 is honest: with it, two lazy ones never agree on a stage that it looks at.
  expect(firstByLazy.length).toBeGreaterThan(0);
  for (const { stage, opinions } of transcripts) {
    const failing = opinions.filter(({ verdict }) => !verdict.passed);
    expect(result.stages[stage]?.status).toBe(failing.length < 2 ? 'passed' : 'unpaid');
    for (const { auditor, verdict } of opinions) expect(verdict.passed).toBe(auditor === 'coordinator' || auditor === nodeId(6));
  }
  expect([1, 2, 3].map((n) => network.standings.records.get(nodeId(n))?.failedAudits)).toEqual([0, 0, 0]);
  const shared = firstByLazy.filter(({ opinions }) => opinions.filter(({ verdict }) => !verdict.passed).length === 1);
  expect((network.standings.records.get(nodeId(4))?.failedAudits ?? 0) + (network.standings.records.get(nodeId(5))?.failedAudits ?? 0)).toBe(shared.length);
});

it('A8: a bought auditor that gives back the cheat\'s own rows is found out by the reference run where the draw says so, and only there', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk({ rate: (passed) => (passed < 1_000 ? 1 : 0) });
  network.standings.set(nodeId(2), { passed: 0 });
  network.tab(4).bend = (rows) => rows.map((value) => Math.round(value * 64) / 64);
  const results = await network.until(Promise.all(Array.from({ length: BOUGHT_JOBS }, (_, index) => network.audit(desk, network.play(index + 1, { cheat: coarse(1, 0), tokens: 3 }), { assurance: 'stream' }))));
  let found = 0;
  for (const { job, draw, stages } of results) {
    const opinions = (await network.store.transcriptsOf(job)).find(({ stage }) => stage === 1)?.opinions.map(({ auditor, verdict }) => `${auditor === 'coordinator' ? 'reference' : 'bought'} ${verdict.passed}`);
    const rechecked = isRechecked(draw.beacon, 1);
    if (rechecked) found++;
    // The reference run alone convicts nobody, but the work is not paid.
    expect([opinions, stages[1]?.status]).toEqual(rechecked ? [['bought true', 'reference false'], 'unpaid'] : [['bought true'], 'passed']);
  }
  expect(found).toBeGreaterThan(0);
});

it('A3, A8: with nobody else there the reference run audits, is not independent, and alone convicts nobody', async () => {
  const network = await AuditNetwork.make(3);
  const played = network.play(1, { cheat: coarse(2, 16) });
  const result = await network.until(network.audit(network.desk(), played));
  expect(result.stages.map(({ status }) => status)).toEqual(['passed', 'passed', 'unpaid']);
  const [transcript] = (await network.store.transcriptsOf(result.job)).filter(({ stage }) => stage === 2);
  expect(transcript).toMatchObject({ outcome: 'unpaid', candidates: [], note: '1 of 1 opinions fail it, which convicts nobody', opinions: [{ auditor: 'coordinator', engine: 'reference', independent: false }] });
  expect(await foundWrong(network, played)).toEqual([]);
  expect(network.money.booked.sort()).toEqual(['payable 1 1 0', 'payable 1 2 0', 'unpaid 1 3']);
  expect(network.standings.isDemoted(nodeId(3))).toBe(false);
});

it.each([
  ['A7', 'draws another id than the sampler gives', { misdraw: (position: number, id: number) => (position === 30 ? (id + 1) % 61 : id) }, 2, 'sampled-id', 16],
  ['A5, R2', 'works from another input than it acknowledged', { misread: (stage: number, position: number, input: number | Float32Array) => (stage === 1 && position === 5 && typeof input !== 'number' ? input.map((value) => value + 0.5) : input) }, 1, 'input-hash', 0],
  ['A5, P1', 'changes a token of the prompt', { misread: (stage: number, position: number, input: number | Float32Array) => (stage === 0 && position === 3 ? 60 : input) }, 0, 'input-hash', 0],
  ['A5', 'skips its second layer', { cheat: (stage: number, _: number, row: Float32Array) => (stage === 1 ? row.map((value) => value * 1.25) : row) }, 1, 'cells', 0],
])('%s: a worker that %s is convicted', async (_rule, _what, wish, stage, code, from) => {
  const network = await AuditNetwork.make(5);
  const result = await network.until(network.audit(network.desk(), network.play(1, wish)));
  expect(result.stages[stage]).toEqual({ status: 'failed', firstBadPosition: from });
  const transcript = (await network.store.transcriptsOf(result.job)).find((each) => each.stage === stage);
  expect(transcript?.opinions.map(({ verdict }) => verdict.first?.code)).toEqual([code, code, code]);
  expect(result.stages.filter(({ status }) => status === 'passed').length).toBe(2);
});

it('A2: who is party to a disagreement is audited in full, whatever the rate; so is who opened no nonce, and a suspect', async () => {
  const network = await AuditNetwork.make(6);
  const played = network.play(1);
  const disputed = { ...played, record: { ...played.record, disagreements: [{ stage: 1, unit: 0, by: nodeId(3) }] } };
  const desk = network.desk({ rate: () => 0 });
  const result = await network.until(network.audit(desk, disputed, { assurance: 'stream' }));
  expect(result.draw.stages.map(({ reason, units }) => [reason, units])).toEqual([[null, 0], ['disagreement', 4], ['disagreement', 4]]);
  network.standings.set(nodeId(2), { suspicion: 30 });
  network.tab(3).instead = ({ type }) => type === 'reveal';
  const unrevealed = network.audit(desk, network.play(2), { assurance: 'stream' });
  await network.pass(10_000);
  const second = await network.until(unrevealed);
  expect(second.draw.stages.map(({ reason, units }) => [reason, units])).toEqual([[null, 0], ['suspicion', 4], ['unrevealed', 4]]);
  expect(second.stages.map(({ status }) => status)).toEqual(['passed by', 'passed', 'passed']);
});

it('A9: a pass that nearly was none adds to suspicion, and nothing else', async () => {
  const network = await AuditNetwork.make(4);
  // 0.9 tau off in one element, where no cell edge is near: within A5 and A6.
  const near = network.play(1, { cheat: (stage, position, row) => (stage === 1 && position === 2 ? row.map((value, channel) => (channel === 3 ? value + 0.9 * 2 ** -12 : value)) : row) });
  const result = await network.until(network.audit(network.desk(), near));
  expect(result.stages[1]?.status).toBe('passed');
  expect(network.standings.records.get(nodeId(2))?.suspicion).toBeCloseTo(Math.log(1.8), 2);
  expect(network.standings.records.get(nodeId(1))?.suspicion).toBe(0);
});

it('A10: a near pass is followed by the reference run; work that turned an id is unpaid, and nobody is convicted', async () => {
  const network = await AuditNetwork.make(4);
  const played = network.play(1, { cheat: (stage, position, row) => (stage === 1 && position === 2 ? row.map((value, channel) => (channel === 3 ? value + 0.9 * 2 ** -12 : value)) : row) });
  const { promptIds, tokenIds } = played.record;
  network.reference.followed = ({ ids, sampling }) => {
    expect([...ids].slice(promptIds.length - 1, -1)).toEqual([...tokenIds].slice(0, ids.length - promptIds.length));
    expect([...ids].slice(0, promptIds.length - 1).every((id) => id === NO_ID)).toBe(true);
    expect(sampling.promptTokens).toBe(promptIds.length);
    return { checked: 3, ambiguous: 0, wrong: [{ position: 20, id: 7, gap: 0.5 }] };
  };
  const result = await network.until(network.audit(network.desk(), played));
  expect(result.stages[1]?.status).toBe('unpaid');
  const transcript = (await network.store.transcriptsOf(result.job)).find(({ stage }) => stage === 1);
  expect(transcript?.opinions.map(({ engine, verdict }) => [engine, verdict.passed, verdict.first?.code, verdict.first?.position])).toEqual([['wasm', true, undefined, undefined], ['reference', false, 'sampled-id', 20]]);
  expect(network.standings.isDemoted(nodeId(2))).toBe(false);
  expect(network.money.booked).toContain('unpaid 1 2');
  expect(await foundWrong(network, played)).toEqual([]);
});

it('a job is drawn once: the same one again is the same audit while it runs, and refused by name afterwards', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk();
  const played = network.play(1);
  const first = network.audit(desk, played);
  expect(network.audit(desk, played)).toBe(first);
  await network.until(first);
  await expect(network.audit(desk, played)).rejects.toMatchObject({ code: 'drawn' });
  expect(network.money.booked.filter((text) => text.startsWith('payable')).length).toBe(3);
});

it('a stage whose money cannot be booked leaves the others decided, and says which stays pending', async () => {
  const network = await AuditNetwork.make(4);
  network.money.failOn = 'payable 1 2';
  await expect(network.until(network.audit(network.desk(), network.play(1)))).rejects.toMatchObject({ code: 'not-settled', fields: { stages: [1] } });
  expect(network.money.booked.filter((text) => text.startsWith('payable')).sort()).toEqual(['payable 1 1 0', 'payable 1 3 0']);
  expect(network.errors).toMatchObject([{ message: 'no database for payable 1 2 0' }]);
});

it('pieces are deleted when their time is over; draws and transcripts stay', async () => {
  const network = await AuditNetwork.make(4);
  const desk = network.desk({ retentionMs: 3_600_000 });
  const { job } = await network.until(network.audit(desk, network.play(1)));
  expect((await network.store.pieces(job)).size).toBeGreaterThan(15);
  await network.pass(3_000_000);
  expect((await network.store.pieces(job)).size).toBeGreaterThan(15);
  await network.pass(1_300_000);
  expect((await network.store.pieces(job)).size).toBe(0);
  expect((await network.store.transcriptsOf(job)).length).toBe(3);
  await desk.close();
  expect(network.clock.pending).toBe(0);
});
