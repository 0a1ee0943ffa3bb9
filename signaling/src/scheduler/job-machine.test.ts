import { expect, it } from 'vitest';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-committer.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import { buildPlan, idBytes } from './build-plan.ts';
import { JobMachine } from './job-machine.ts';
import { COLLECT_LAPS, COLLECT_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_MS, FIRST_TOKEN_TIMEOUT_PER_POSITION_MS, PREPARE_TIMEOUT_MS, PROBE_AFTER_LAPS, PROBE_AFTER_MS, PROBE_REPLY_LAPS, PROBE_REPLY_MS, TOKEN_TIMEOUT_MS, UNPACED_REPLY_MS } from './scheduler-limits.ts';
import { FakeWorkers, jobId, nodeId, orderOf } from './workers.fixture.ts';
import type { JobMessage, JobOutput } from './job-machine.ts';
import type { JobOrder } from './job-order.ts';

const hash = (text: string): HexHash => text.repeat(64).slice(0, 64) as HexHash;
const signature = 'ab'.repeat(64);
/** SHA-256 of one zero byte: hints without a flag. */
const HINT_HASH = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' as HexHash;

/** A machine over `count` stages, begun at time 0. Prompt of 3 ids, at most 4 tokens, stop id 2. */
function setup(count = 3, change: Partial<JobOrder> = {}, version = 1) {
  const workers = new FakeWorkers();
  for (let n = 1; n <= count; n++) workers.join(n);
  const order = orderOf(1, change);
  const stages = workers.workers().map((worker, stage) => ({ worker, layers: [stage * 2, stage * 2 + 2] as const, nonce: null }));
  const plan = buildPlan(order, stages, { network: 'ciro-test', version, nonce: new Uint8Array(32) });
  const signed = { plan, signature };
  const planHash = planHashOf(plan);
  const machine = new JobMachine({ signed, planHash, promptIds: idBytes(order.promptIds), vocabulary: 200, goesOn: order.goesOn });
  const begun = machine.begin(0);
  const { job } = plan;
  const say = (n: number, message: JobMessage, now = 0): JobOutput[] => machine.handle(nodeId(n), message, now);
  const prepare = (now = 0): JobOutput[] => plan.stages.flatMap((_, stage) => say(stage + 1, { type: 'prepared', job, version }, now));
  const token = (position: number, id = 9, now = 0, n = count): JobOutput[] => say(n, { type: 'token', job, version, position, id }, now);
  const unit = (n: number, index: number, to: number, body: object = {}): Extract<JobMessage, { type: 'unit' }> => ({
    type: 'unit',
    receipt: { body: { network: 'ciro-test', job, planHash, stage: n - 1, worker: nodeId(n), unit: index, from: index * UNIT_POSITIONS, to, inputHash: hash('1'), payloadHash: hash('2'), linkHash: hash('2'), ...body }, signature },
    canonHash: hash('3'),
    hintHash: HINT_HASH,
    hints: 'AA==',
  });
  const root = (n: number, units = 1): JobMessage => {
    const none = { p50: 0, p95: 0 };
    return { type: 'root', job, planHash, stage: n - 1, root: '0x1', signature, salts: new Array<string>(units).fill('00'.repeat(16)), stats: { engine: 'wasm', decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 } };
  };
  const acknowledge = (n: number, of: Extract<JobMessage, { type: 'unit' }>, signer: NodeId | 'coordinator' = nodeId(n)): JobMessage => ({ type: 'acknowledge', job, acknowledgement: { receiptHash: receiptHash(of.receipt.body), signer, signature } });
  /** Prepared, and `count` tokens seen. */
  const run = (tokens: number): void => {
    prepare();
    for (let i = 0; i < tokens; i++) token(2 + i, 9, i * 100);
  };
  return { machine, begun, plan, planHash, job, version, say, prepare, token, unit, root, acknowledge, run };
}

const types = (outputs: readonly JobOutput[]): string[] => outputs.map((output) => (output.type === 'send' ? `${output.message.type} to ${Number.parseInt(output.to, 16)}` : output.type));
const rejection = (code: string) => [expect.objectContaining({ type: 'rejected', code })];

it('P2: every stage is sent the signed plan, the first one the prompt ids too', () => {
  const { begun } = setup();
  expect(types(begun)).toEqual(['plan to 1', 'plan to 2', 'plan to 3']);
  expect(begun.map((output) => (output.type === 'send' && output.message.type === 'plan' ? output.message.promptIds?.length : -1))).toEqual([12, undefined, undefined]);
});

it('the first stage is started when the last one is prepared, and once', () => {
  const { prepare, say, job, version } = setup();
  expect(types(prepare())).toEqual(['start to 1']);
  expect(say(2, { type: 'prepared', job, version })).toEqual([]);
});

it('P3: tokens go out in order until max_tokens; finish names the positions that were computed', () => {
  const { machine, prepare, token } = setup();
  prepare();
  expect(types(token(2))).toEqual(['token']);
  token(3);
  token(4);
  const last = token(5, 7);
  expect(types(last)).toEqual(['token', 'finish to 1', 'finish to 2', 'finish to 3', 'finished']);
  expect(last[1]).toMatchObject({ message: { type: 'finish', acceptedTo: 6, reason: 'length' } });
  expect(machine.generated).toEqual([9, 9, 9, 7]);
});

it('a stop id is given out and ends the answer', () => {
  const { machine, prepare, token } = setup();
  prepare();
  token(2);
  expect(token(3, 2)).toMatchObject([{ type: 'token', id: 2 }, {}, {}, {}, { type: 'finished', reason: 'stop' }]);
  expect(machine.acceptedTo).toBe(4);
});

it.each([
  ['not the last stage', 2, { position: 2 }, 'not-the-last-stage'],
  ['another position', 3, { position: 3 }, 'wrong-position'],
  ['another plan version', 3, { position: 2, version: 2 }, 'other-version'],
  ['a worker without a stage', 9, { position: 2 }, 'foreign-job'],
])('a token from or for %s is rejected and changes nothing', (_, n, change, code) => {
  const { machine, prepare, say, job, version, token } = setup();
  prepare();
  expect(say(n, { type: 'token', job, version, id: 9, ...change })).toEqual(rejection(code));
  expect(machine.generated).toEqual([]);
  expect(types(token(2))).toEqual(['token']);
});

it('a token that comes twice, or before the start, is rejected', () => {
  const { prepare, token } = setup();
  expect(token(2)).toEqual(rejection('not-started'));
  prepare();
  token(2);
  expect(token(2)).toEqual(rejection('wrong-position'));
});

it('an id that is none of the vocabulary fails the job: the ring went on with it', () => {
  const { prepare, token } = setup();
  prepare();
  expect(token(2, 200).at(-1)).toMatchObject({ type: 'failed', error: { code: 'fault', fields: { stage: 2 } } });
});

it.each([
  ['stage-refused', 'preparing', 'stage-refused'],
  ['fault', 'running', 'fault'],
] as const)('%s while %s fails the job, naming worker and stage, and the other stages are told', (type, at, code) => {
  const { prepare, say, job, version } = setup();
  if (at === 'running') prepare();
  const outputs = say(2, { type, job, version, code: 'engine', message: 'out of memory' });
  expect(types(outputs)).toEqual(['finish to 1', 'finish to 2', 'finish to 3', 'failed']);
  expect(outputs[0]).toMatchObject({ message: { reason: 'failed', acceptedTo: 0 } });
  expect(outputs.at(-1)).toMatchObject({ error: { code, message: expect.stringContaining('out of memory'), fields: { worker: nodeId(2), stage: 1 } } });
});

it('a worker that is lost before the first id fails the job; the others are told, it is not', () => {
  const { machine, run } = setup();
  run(0);
  const outputs = machine.lost(nodeId(3), 'transport close', 500);
  expect(types(outputs)).toEqual(['finish to 1', 'finish to 2', 'failed']);
  expect(outputs.at(-1)).toMatchObject({ error: { code: 'worker-lost', fields: { worker: nodeId(3), stage: 2 } } });
  expect([machine.lost(nodeId(1), 'x', 600), machine.lost(nodeId(77), 'x', 600), machine.deadline]).toEqual([[], [], undefined]);
});

it('G2: a worker that is lost after the first id ends the job as moved; the evidence of those that are left is collected', () => {
  const { machine, run, say, unit, acknowledge, root } = setup();
  run(2);
  const outputs = machine.lost(nodeId(2), 'transport close', 500);
  expect(types(outputs)).toEqual(['finish to 1', 'finish to 3', 'finished']);
  expect(outputs[0]).toMatchObject({ message: { reason: 'moved', acceptedTo: 4 } });
  expect(outputs.at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'worker-lost', fields: { worker: nodeId(2), stage: 1 } } });
  const [first, last] = [unit(1, 0, 4), unit(3, 0, 4)];
  for (const [n, message] of [[1, first], [1, root(1)], [3, last], [1, acknowledge(1, last)]] as const) expect(say(n, message)).toEqual([]);
  expect(say(3, root(3))).toEqual([{ type: 'collected' }]);
});

it('G1: what is not to go on fails whatever it has; so does a job that was called off', () => {
  const { machine, run } = setup(3, { goesOn: false });
  run(2);
  expect(machine.lost(nodeId(2), 'closed', 500).at(-1)).toMatchObject({ type: 'failed', error: { code: 'worker-lost' } });
  const stopped = setup();
  stopped.run(2);
  stopped.machine.stop('cancelled', 500);
  expect(stopped.machine.lost(nodeId(2), 'closed', 600)).toEqual([]);
});

it('G1: what is still under way of an earlier plan of the job is no offence, and changes nothing', () => {
  const { machine, prepare, say, token, job, unit, acknowledge, root } = setup(3, {}, 2);
  prepare();
  const before = unit(2, 0, 4, { planHash: hash('7') });
  expect(say(2, { type: 'fault', job, version: 1, code: 'no-link', message: 'gone' })).toEqual([]);
  expect(say(3, { type: 'token', job, version: 1, position: 2, id: 9 })).toEqual([]);
  expect(say(2, before)).toEqual([]);
  expect(say(9, acknowledge(9, before))).toEqual([]);
  expect(say(2, { ...(root(2) as Extract<JobMessage, { type: 'root' }>), planHash: hash('7') })).toEqual([]);
  expect(say(3, { type: 'token', job, version: 3, position: 2, id: 9 })).toEqual(rejection('other-version'));
  expect([machine.evidence.stages[1]?.units.size, machine.generated]).toEqual([0, []]);
  expect(types(token(2))).toEqual(['token']);
});

it('G3: when no id comes everybody is asked, and who does not answer in time is silent; an id answers for all', () => {
  const { machine, run, say, token, job, version } = setup();
  run(2);
  const asked = 100 + PROBE_AFTER_MS + PROBE_AFTER_LAPS * 100;
  expect(machine.deadline).toBe(asked);
  expect(machine.tick(asked - 1)).toEqual([]);
  expect(types(machine.tick(asked))).toEqual(['probe to 1', 'probe to 2', 'probe to 3']);
  const until = asked + PROBE_REPLY_MS + PROBE_REPLY_LAPS * 100;
  expect(machine.deadline).toBe(until);
  say(1, { type: 'alive', job, version }, asked + 5);
  say(3, { type: 'alive', job, version }, asked + 5);
  expect(machine.tick(until)).toEqual([{ type: 'silent', worker: nodeId(2) }]);
  // It is the connection that ends the job, or an id that shows that all is well.
  expect(types(token(4, 9, until + 1))).toEqual(['token']);
  const again = machine.deadline ?? 0;
  machine.tick(again);
  for (const n of [1, 2, 3]) say(n, { type: 'alive', job, version }, again + 5);
  expect(machine.deadline).toBeGreaterThan(again + PROBE_AFTER_MS);
});

it('G3: before two ids came nobody knows the pace, so answers may take longer', () => {
  const { machine, prepare } = setup();
  prepare(0);
  expect(types(machine.tick(PROBE_AFTER_MS))).toEqual(['probe to 1', 'probe to 2', 'probe to 3']);
  expect(machine.deadline).toBe(PROBE_AFTER_MS + UNPACED_REPLY_MS);
});

it('a link that is lost ends the job when both ends are there, unless it is not between its stages', () => {
  const { machine, run, say, job, version } = setup();
  const alive = { type: 'alive', job, version } as const;
  run(1);
  expect(machine.linkLost(nodeId(1), nodeId(99), 500)).toEqual([]);
  expect(types(machine.linkLost(nodeId(1), nodeId(2), 500))).toEqual(['probe to 1', 'probe to 2', 'probe to 3']);
  expect([...say(1, alive, 501), ...say(2, alive, 501), ...say(3, alive, 502)].at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'link-lost', message: expect.stringContaining('lost its link to stage 1') } });
});

it('G3: a stage whose neighbour went is not to blame: it is the silent one that ends the job', () => {
  const { machine, run, say, job, version } = setup();
  run(2);
  expect(types(say(1, { type: 'fault', job, version, code: 'no-link', message: 'the link is gone' }, 500))).toEqual(['probe to 1', 'probe to 2', 'probe to 3']);
  expect(machine.linkLost(nodeId(2), nodeId(3), 510)).toEqual([]);
  for (const n of [1, 3]) say(n, { type: 'alive', job, version }, 520);
  expect(machine.tick(machine.deadline ?? 0)).toEqual([{ type: 'silent', worker: nodeId(2) }]);
  expect(machine.lost(nodeId(2), 'does not answer', 3_000).at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'worker-lost', fields: { worker: nodeId(2) } } });
});

it('preparing, the first token and every later one have their time', () => {
  const slow = setup();
  slow.say(1, { type: 'prepared', job: slow.job, version: 1 });
  expect(types(slow.machine.tick(PREPARE_TIMEOUT_MS - 1))).toEqual(['probe to 1', 'probe to 2', 'probe to 3']);
  expect(slow.machine.tick(PREPARE_TIMEOUT_MS).at(-1)).toMatchObject({ error: { code: 'prepare-timeout', fields: { stage: 1 }, message: expect.stringContaining('nor were 1 others') } });

  const silent = setup();
  silent.prepare(1_000);
  const first = 1_000 + FIRST_TOKEN_TIMEOUT_MS + 3 * FIRST_TOKEN_TIMEOUT_PER_POSITION_MS;
  expect(silent.machine.tick(first).at(-1)).toMatchObject({ error: { code: 'stalled', fields: { stage: 2 } } });

  const stuck = setup();
  stuck.prepare();
  stuck.token(2, 9, 5_000);
  expect(stuck.machine.tick(5_000 + TOKEN_TIMEOUT_MS).at(-1)).toMatchObject({ reason: 'moved', lost: { code: 'stalled', message: expect.stringContaining('after token 1') } });
});

it('stop ends the job at the last token seen; what the ring sampled beyond is kept apart', () => {
  const { machine, run, token } = setup();
  run(2);
  const outputs = machine.stop('cancelled', 500);
  expect(outputs.at(-1)).toEqual({ type: 'finished', reason: 'cancelled' });
  expect(outputs[0]).toMatchObject({ message: { acceptedTo: 4 } });
  expect(token(4, 50)).toEqual([]);
  expect([machine.generated, machine.surplus, machine.stop('stop', 600)]).toEqual([[9, 9], [50], []]);
});

it('stop before the first token fails the job as cancelled', () => {
  const { machine, prepare } = setup();
  prepare();
  const outputs = machine.stop('cancelled', 1);
  expect(types(outputs)).toEqual(['finish to 1', 'finish to 2', 'finish to 3', 'failed']);
  expect(outputs[0]).toMatchObject({ message: { reason: 'cancelled', acceptedTo: 0 } });
  expect(outputs.at(-1)).toMatchObject({ error: { code: 'cancelled', fault: 'abort' } });
});

it('R1, R2, K4: the evidence is complete when every stage has its units, acknowledgements and root', () => {
  const { run, say, unit, acknowledge, root, machine } = setup();
  run(4);
  const units = [1, 2, 3].map((n) => unit(n, 0, 6));
  const messages: [number, JobMessage][] = [...units.map((each, index): [number, JobMessage] => [index + 1, each]), [2, acknowledge(2, units[0]!)], [3, acknowledge(3, units[1]!)], [1, root(1)], [2, root(2)], [1, acknowledge(1, units[2]!)]];
  for (const [n, message] of messages) expect(say(n, message)).toEqual([]);
  expect(say(3, root(3))).toEqual([{ type: 'collected' }]);
  expect(machine.deadline).toBeUndefined();
});

it('evidence that does not come is waited for only so long', () => {
  const { run, machine } = setup();
  run(4);
  expect(machine.deadline).toBe(300 + COLLECT_TIMEOUT_MS);
  expect(machine.tick(300 + COLLECT_TIMEOUT_MS)).toEqual([{ type: 'collected' }]);
});

it('evidence of a ring whose laps take seconds is waited for some laps', () => {
  const { prepare, token, machine } = setup();
  prepare();
  const lapMs = COLLECT_TIMEOUT_MS / 2;
  for (let lap = 0; lap < 4; lap++) token(2 + lap, 9, lap * lapMs);
  expect(machine.deadline).toBe(3 * lapMs + COLLECT_LAPS * lapMs);
});

it('a worker that is lost after the answer fails nothing; its evidence is no longer waited for', () => {
  const { run, say, unit, acknowledge, root, machine } = setup(2);
  run(4);
  const mine = unit(1, 0, 6);
  const theirs = unit(2, 0, 6);
  for (const message of [mine, root(1), acknowledge(1, theirs)]) say(1, message);
  say(2, theirs);
  expect(machine.lost(nodeId(2), 'closed', 400)).toEqual([{ type: 'collected' }]);
});

it('R2: a disagreement stands for the acknowledgement that does not come', () => {
  const { run, say, unit, acknowledge, root, machine, job } = setup(2);
  run(4);
  const [one, two] = [unit(1, 0, 6), unit(2, 0, 6)];
  say(1, one);
  say(1, root(1));
  say(1, acknowledge(1, two));
  say(2, two);
  say(2, root(2));
  expect(say(2, { type: 'disagree', job, receipt: one.receipt, linkHash: hash('9'), signature })).toEqual([{ type: 'collected' }]);
  expect(machine.evidence.disagreements).toMatchObject([{ stage: 0, unit: 0, by: nodeId(2) }]);
});

it('a one-stage job needs its units and root only', () => {
  const { run, say, unit, root } = setup(1);
  run(4);
  say(1, unit(1, 0, 6));
  expect(say(1, root(1))).toEqual([{ type: 'collected' }]);
});

it.each([
  ['of another worker', { worker: nodeId(2) }, 'foreign-unit'],
  ['of another stage', { stage: 1 }, 'foreign-unit'],
  ['of another plan', { planHash: hash('8') }, 'foreign-unit'],
  ['of another network', { network: 'other' }, 'foreign-unit'],
  ['off the grid', { from: 1 }, 'unit-out-of-grid'],
  ['of no positions', { to: 0 }, 'unit-out-of-grid'],
  ['past the plan', { to: 7 }, 'unit-out-of-grid'],
  ['far past the plan', { unit: 1_000_000, from: 16_000_000, to: 16_000_001 }, 'unit-out-of-grid'],
])('U1, R1: a unit %s is rejected', (_, body, code) => {
  const { run, say, unit, machine } = setup();
  run(4);
  expect(say(1, unit(1, 0, 6, body))).toEqual(rejection(code));
  expect(machine.evidence.stages[0]?.units.size).toBe(0);
});

it('U5: a unit with hints that were not hashed is rejected as forged; the right one can still come', () => {
  const { run, say, unit, machine } = setup();
  run(4);
  const right = unit(1, 0, 6);
  expect(say(1, { ...right, hints: 'AQ==' })).toEqual([expect.objectContaining({ type: 'rejected', from: nodeId(1), offence: 'forged', code: 'hints-forged' })]);
  expect(machine.evidence.stages[0]?.units.size).toBe(0);
  expect(say(1, right)).toEqual([]);
  expect(machine.evidence.stages[0]?.units.size).toBe(1);
});

it('units, acknowledgements, disagreements and roots count once each, and are bounded', () => {
  const { run, say, unit, acknowledge, root, job } = setup(2);
  run(4);
  const one = unit(1, 0, 6);
  const disagree = { type: 'disagree', job, receipt: one.receipt, linkHash: hash('9'), signature } as const;
  say(1, one);
  say(1, root(1));
  say(2, acknowledge(2, one));
  say(2, disagree);
  expect(say(1, one)).toEqual(rejection('unit-repeated'));
  expect(say(1, root(1))).toEqual(rejection('root-repeated'));
  expect(say(2, acknowledge(2, one))).toEqual(rejection('acknowledgement-repeated'));
  expect(say(2, disagree)).toEqual(rejection('disagreement-repeated'));
  expect(say(2, acknowledge(2, unit(1, 0, 5)))).toEqual(rejection('too-many-acknowledgements'));
  expect(say(2, root(2, 2))).toEqual(rejection('root-oversized'));
});

it('what speaks for another is rejected: acknowledgements, disagreements and roots', () => {
  const { run, say, unit, acknowledge, root, job } = setup();
  run(4);
  const one = unit(1, 0, 6);
  expect(say(2, acknowledge(2, one, nodeId(3)))).toEqual(rejection('foreign-acknowledgement'));
  expect(say(2, acknowledge(2, one, 'coordinator'))).toEqual(rejection('foreign-acknowledgement'));
  expect(say(3, { type: 'disagree', job, receipt: one.receipt, linkHash: hash('9'), signature })).toEqual(rejection('foreign-disagreement'));
  expect(say(1, root(2))).toEqual(rejection('foreign-root'));
});

it('the pace is measured from the plan to the first token, and from there', () => {
  const { machine, prepare, token } = setup();
  prepare(100);
  token(2, 9, 400);
  token(3, 9, 500);
  token(4, 9, 600);
  expect(machine.pace).toEqual({ ttftMs: 400, tokensPerSecond: 10 });
  expect(jobId(1)).toHaveLength(32);
});
