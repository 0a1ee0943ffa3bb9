import { expect, it } from 'vitest';
import { nodeId } from '../scheduler/workers.fixture.ts';
import { AuditNetwork } from './audit-network.fixture.ts';
import { stageCase } from './stage-case.ts';
import { TOY_HIDDEN, TOY_MANIFEST } from './toy-stage.fixture.ts';
import type { JobWish, PlayedJob } from './played-job.fixture.ts';

const PREFIX = 48;

/** A first answer over tabs 1 to 3, and the next turn of it. */
function turns(network: AuditNetwork, wish: Partial<JobWish> = {}): { first: PlayedJob; next: PlayedJob } {
  const first = network.play(1);
  const prompt = [...first.record.promptIds, ...first.record.tokenIds, 5, 9, 31];
  return { first, next: network.play(2, { prompt, tokens: 20, prefix: { job: first, positions: PREFIX }, ...wish }) };
}

it('V4, M8: an audit of a next turn computes from position 0, looks at its own units, and is paid for all that it computed', async () => {
  const network = await AuditNetwork.make(5);
  const { first, next } = turns(network);
  const result = await network.until(network.audit(network.desk(), next, { prefix: [first.record] }));
  expect(result.stages.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
  expect(next.record.stages.map(({ units }) => units[0]?.receipt.body.from)).toEqual([PREFIX, PREFIX, PREFIX]);
  const end = next.record.stages[0]?.units.at(-1)?.receipt.body.to ?? 0;
  for (const { message } of network.sent.filter(({ message: { type } }) => type === 'audit')) expect(message).toMatchObject({ from: PREFIX, positions: end });
  for (const { opinions, units } of await network.store.transcriptsOf(result.job)) expect(opinions.map(({ rows }) => rows.length)).toEqual([units]);
  // Payloads of the earlier job are asked for by nobody.
  expect(network.sentOf('supply').map(({ side, from }) => [side, from]).toSorted()).toEqual([['input', undefined], ['input', undefined], ['payload', 3], ['payload', 3], ['payload', 3]]);
  expect(network.money.booked.filter((text) => text.startsWith('audit 2'))).toEqual(Array(3).fill(expect.stringContaining(String(200 * end))));
  expect([network.refused, network.errors]).toEqual([[], []]);
});

it.each([0, 1, 2])('V4: a kept cache of stage %i that its signed inputs do not give fails the next turn, by tabs and by the reference run', async (stage) => {
  const network = await AuditNetwork.make(6);
  const miscache = (at: number, input: number | Float32Array): number | Float32Array => (at !== stage ? input : typeof input === 'number' ? (input + 1) % 61 : input.map((value) => value + 0.5));
  const { first, next } = turns(network, { miscache });
  const result = await network.until(network.audit(network.desk(), next, { prefix: [first.record] }));
  expect(result.stages[stage]).toEqual({ status: 'failed', firstBadPosition: PREFIX });
  expect(network.standings.isDemoted(nodeId(stage + 1))).toBe(true);
  expect(network.reference.runs).toBeGreaterThan(0);
});

it('V4: without a tab to audit, the reference run looks at the same units', async () => {
  const network = await AuditNetwork.make(3);
  const { first, next } = turns(network);
  const result = await network.until(network.audit(network.desk(), next, { prefix: [first.record] }));
  expect(result.stages.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
  expect(network.reference.runs).toBe(3);
});

it('V4: without the record of the earlier job nobody can say what a stage was given: its work is unpaid, and nothing else follows', async () => {
  const network = await AuditNetwork.make(5);
  const { next } = turns(network);
  const result = await network.until(network.audit(network.desk(), next));
  expect(result.stages.map(({ status }) => status)).toEqual(['unpaid', 'unpaid', 'unpaid']);
  expect(network.standings.isDemoted(nodeId(1))).toBe(false);
});

it('V2, V4: a stage\'s inputs below its units are what the stage before passed on, over as many earlier jobs as there are', async () => {
  const network = await AuditNetwork.make(3);
  const { first, next } = turns(network);
  const third = network.play(3, { prompt: [...next.record.promptIds, ...next.record.tokenIds, 7], tokens: 4, prefix: { job: next, positions: 64 } });
  const found = stageCase(third.record, 1, TOY_MANIFEST, [next.record, first.record]);
  if ('why' in found) throw new Error(found.why);
  const passedOn = [...(first.record.stages[0]?.units.slice(0, 3) ?? []), ...(next.record.stages[0]?.units.slice(0, 1) ?? [])].map(({ receipt: { body } }) => body.linkHash);
  expect(found.prefix.map(({ givenHash }) => givenHash)).toEqual(passedOn);
  expect(found.prefix.map(({ unit, from, to, inputBytes }) => [unit, from, to, inputBytes])).toEqual([0, 1, 2, 3].map((unit) => [unit, 16 * unit, 16 * unit + 16, 16 * TOY_HIDDEN * 4]));
});
