import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerEvidence } from '@ciro/signaling/cli/answer-evidence.ts';
import { fateOf } from '@ciro/signaling/cli/evidence-table.ts';
import { evidenceOnly } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(32)) as [Evidence['job'], Evidence['job'], Evidence['job'], Evidence['job']];
const NOBODY: Pick<Evidence, 'corrects' | 'corrected_by' | 'continues' | 'continued_by'> = { corrects: null, corrected_by: null, continues: null, continued_by: null };

let plain: Evidence;
let server: Server;
/** What is answered about a job, each time it is asked; the last stays. */
let known: ReadonlyMap<string, Partial<Evidence>[]>;
beforeAll(async () => {
  await using network = await ToyNetwork.open({ seed: 3, stages: 1 });
  plain = evidenceOnly((await toyEvidence(network, { messages: [{ role: 'user', content: 'on' }], maxTokens: 5 }, { undrawn: true })).file);
  server = createServer((request, response) => {
    const job = /^\/v1\/jobs\/([0-9a-f]{32})\/evidence\?pieces=1$/.exec(request.url ?? '')?.[1] ?? '';
    const answers = known.get(job) ?? [];
    const own = answers.length > 1 ? answers.shift() : answers[0];
    response.writeHead(own === undefined ? 404 : 200).end(JSON.stringify(own === undefined ? {} : { ...plain, ...NOBODY, job, ...own }));
  }).listen(0, '127.0.0.1');
});
afterAll(() => void server.close());

async function followed(jobs: Readonly<Record<string, Partial<Evidence>[]>>): Promise<readonly string[]> {
  known = new Map(Object.entries(jobs));
  const { evidence, earlier } = await answerEvidence({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, apiKey: 'key' }, A, AbortSignal.timeout(10_000));
  return [...earlier.map(({ job }) => job), evidence.job];
}

it('G2: an answer is followed from the job that was asked to the one that goes on last', async () => {
  expect(await followed({ [A]: [{}] })).toEqual([A]);
  expect(await followed({ [A]: [{ finish_reason: 'moved', continued_by: B }], [B]: [{ finish_reason: 'moved', continued_by: C, continues: A }], [C]: [{ continues: B }] })).toEqual([A, B, C]);
});

it('G2, M7: what does a job again stands, not what had gone on with it', async () => {
  expect(await followed({ [A]: [{ finish_reason: 'moved', continued_by: B, corrected_by: C }], [B]: [{ continues: A }], [C]: [{ finish_reason: 'moved', continued_by: D, corrects: A }], [D]: [{ continues: C }] })).toEqual([A, C, D]);
});

it('G2: a job that moved is asked for until it says where to', async () => {
  expect(await followed({ [A]: [{ finish_reason: 'moved' }, { finish_reason: 'moved' }, { finish_reason: 'moved', continued_by: B }], [B]: [{ continues: A }] })).toEqual([A, B]);
});

it('says what became of a job of the answer', () => {
  const moved = { ...plain, job: A };
  expect(fateOf(moved, { ...plain, job: B, continues: A })).toBe(`moved to other tabs at position ${plain.prompt_tokens + 4}, as job ${B}`);
  expect(fateOf(moved, { ...plain, job: B, corrects: A })).toBe(`not right, done again by job ${B}`);
});
