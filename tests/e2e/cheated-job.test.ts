import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyFile } from '../../signaling/src/cli/verify-file.ts';
import { convictionOf } from '../support/conviction.ts';
import { browserHere, needBrowser } from '../support/network.ts';
import { greedyVector } from '../support/network-vectors.ts';
import { parseCheatedJob, runCheatedJob } from '../support/run-cheated-job.ts';
import type { Network } from '../../signaling/src/cli/open-network.ts';
import type { Answered } from '../../signaling/src/cli/run-question.ts';
import type { GreedyVector } from '../support/network-vectors.ts';

const CHEAT = 'requantise8@2';
/** Its worker is the second of three: neither the prompt nor the ids are in its hands. */
const CHEATED_STAGE = 1;
/** A tab hears of its standing when its audit is over. */
const STANDING_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

const Standing = v.object({ node_id: v.string(), standing: v.nullable(v.object({ state: v.string() })) });
const browser = await browserHere();
const signal = new AbortController().signal;
let folder = '';

/** What the job was answered, with what the tabs say of their standing once it is over. */
interface Cheated {
  readonly answered: Answered;
  readonly file: string;
  readonly demoted: readonly string[];
}

async function cheatedJob({ messages, outputIds }: GreedyVector): Promise<Cheated> {
  const file = join(folder, 'checked.json');
  const args = ['--prompt', messages.at(-1)?.content ?? '', '--cheat', CHEAT, '--assurance', 'checked', '--engine', 'wasm', '--max-tokens', String(outputIds.length), '--json', file];
  let demoted: readonly string[] = [];
  const answered = await runCheatedJob(parseCheatedJob(args), signal, async (given, network) => {
    demoted = await demotedTabs(network, convictionOf(given)?.worker);
  });
  return { answered, file, demoted };
}

/** Nodes whose own pages say that they are demoted, when one that should be is among them, or the time for it is over. */
async function demotedTabs(network: Network, expected: string | undefined): Promise<string[]> {
  for (const deadline = performance.now() + STANDING_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const found: string[] = [];
    for (const page of network.volunteers?.pages ?? []) {
      const { node_id: node, standing } = v.parse(Standing, await page.evaluate('globalThis.ciro?.status()'));
      if (standing?.state === 'demoted') found.push(node);
    }
    if ((expected !== undefined && found.includes(expected)) || performance.now() > deadline) return found;
  }
}

const verified = (file: string) => verifyFile({ file, recompute: false }, signal);

/** The evidence file with one number of one transcript changed. */
async function tamperedWith(file: string): Promise<string> {
  const evidence = v.parse(v.looseObject({ audits: v.array(v.looseObject({ opinions: v.array(v.looseObject({ verdict: v.looseObject({ worstOfTau: v.number() }) })) })) }), JSON.parse(await readFile(file, 'utf8')));
  const verdict = evidence.audits[CHEATED_STAGE]?.opinions[0]?.verdict;
  if (verdict === undefined) throw new Error('the evidence has no opinion to tamper with');
  verdict.worstOfTau += 1;
  const tampered = join(folder, 'tampered.json');
  await writeFile(tampered, JSON.stringify(evidence));
  return tampered;
}

describe(`a volunteer that cheats (${CHEAT}), in real tabs`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ciro-cheat-e2e-'));
  });
  beforeEach((test) => needBrowser(test, browser));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Under `stream` the same conviction is followed by a correction, which tests/integration/assurance.test.ts tells, with the file that `npm run job` writes of it.
  it('A8, M7: under `checked` the answer that is shown is the right one; the cheat is unpaid and demoted, and the evidence verifies', async () => {
    const plain = greedyVector('plain question');
    const { answered, file, demoted } = await cheatedJob(plain);
    const conviction = convictionOf(answered);
    expect(conviction).toMatchObject({ stage: CHEATED_STAGE, credit: 'void', holds: true });
    expect(conviction?.transcript).toMatchObject({ outcome: 'failed', opinions: [{ verdict: { passed: false } }, { auditor: 'coordinator', verdict: { passed: false, first: { code: 'cells' } } }] });
    expect(conviction?.evidence.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'failed', 'passed']);
    expect(demoted).toEqual([conviction?.worker]);

    expect(answered.decided).toBe(true);
    expect(answered.evidence.token_ids).toEqual(plain.outputIds);
    expect(answered.answerText).toContain('Paris');
    expect(answered.evidence.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'passed', 'passed']);
    expect((await verified(file)).first).toBeNull();
    expect((await verified(await tamperedWith(file))).first).toMatchObject({ at: `audits[${CHEATED_STAGE}].opinions[0].verdict.worstOfTau` });
  });
});
