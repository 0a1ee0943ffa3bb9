import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerFile, goOn } from '../support/toy-chain.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';

const COMMAND = fileURLToPath(import.meta.resolve('@ciro/signaling/cli/verify.ts'));
const QUESTION = { messages: [{ role: 'user', content: 'hello the other' }], maxTokens: 9 };

let network: ToyNetwork;
let folder: string;
let honest: EvidenceFile;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: 21, stages: 2 });
  folder = await mkdtemp(join(tmpdir(), 'ciro-verify-'));
  honest = (await toyEvidence(network, QUESTION)).file;
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(value: unknown): Promise<string> {
  const path = join(folder, 'evidence.json');
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

/** Runs the command with an empty cache: it may look for model files there and finds none. */
function verify(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { env: { ...process.env, CIRO_CACHE: join(folder, 'cache') } }, (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }));
  });
}

describe('npm run verify -- answer FILE', () => {
  it('prints a table and ends with 0 when the evidence is in order, without colours where there is no terminal', async () => {
    const { code, out, err } = await verify('answer', await fileOf(honest), '--key', network.key.publicKey);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^check +result +what was found\n/);
    expect(out).toMatch(/\nhash chain +ok +4 units over 2 stages/);
    expect(out).toMatch(/\nprompt text +not checked +the model file is not here/);
    expect(out).toMatch(/\nmodel file +not checked +toy\.gguf is not in the cache/);
    expect(out).toMatch(/\nverified: \d+ checks hold, 4 could not be made\n$/);
    expect(out).not.toContain('\u001b');
  });

  it('checks text and computes everything again with the model file', async () => {
    const { code, out, err } = await verify('answer', await fileOf(honest), '--model', network.model.path, '--recompute');
    expect([code, err.includes('computing the answer again')]).toEqual([0, true]);
    expect(out).toMatch(/\nprompt text +ok/);
    expect(out).toMatch(/\nstage 1 recomputed +ok +2 units, \d+ positions through layers 1 to 2, 2 of them value by value/);
    expect(out).toMatch(/\nsampled ids +ok +9 ids/);
    expect(out).toMatch(/\nverified: \d+ checks hold\n$/);
  });

  it('ends with 1 and names the first wrong element in the last line', async () => {
    const units = honest.stages[1]?.units.map((unit, index) => (index === 1 ? { ...unit, canonical_sha256: 'a'.repeat(64) } : unit)) ?? [];
    const tampered = { ...honest, stages: honest.stages.map((stage, index) => (index === 1 ? { ...stage, units } : stage)) };
    const { code, out } = await verify('answer', await fileOf(tampered));
    expect(code).toBe(1);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^failed: stages\[1\]\.units\[1\]\.leaf_sha256: leaf of the unit's hashes and its salt: expected [0-9a-f]{64}, got [0-9a-f]{64}$/);
  });

  it('finds by recomputation what no hash shows', async () => {
    const cheated = (await toyEvidence(network, QUESTION, { undrawn: true }, { rows: (stage, rows) => (stage === 0 ? rows.map((value) => value * 1.01) : rows) })).file;
    expect((await verify('answer', await fileOf(cheated), '--model', network.model.path)).code).toBe(0);
    const { code, out } = await verify('answer', await fileOf(cheated), '--model', network.model.path, '--recompute');
    expect(code).toBe(1);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^failed: stages\[0\]\.units\[0\]\.(canonical_sha256|hints): /);
  });

  it('G2: checks every part of an answer that moved, and computes all of them again', async () => {
    const first = await toyEvidence(network, { ...QUESTION, lost: { stage: 1, after: 4 } });
    const file = answerFile([first.file, (await goOn(network, QUESTION, first, { workers: [0, 2] })).file]);
    const { code, out } = await verify('answer', await fileOf(file), '--model', network.model.path, '--recompute');
    expect(code).toBe(0);
    expect(out).toMatch(/\njob 1 of 2: evidence +ok +\d+ checks hold/);
    expect(out).toMatch(/\njob 1 of 2: stage 1 root +not checked +the worker left without a root/);
    expect(out).toMatch(/\nearlier jobs +ok +the answer moved once, with all its ids\n/);
    expect(out).toMatch(/\njob 1 of 2: recomputation +ok/);
    const begun = await verify('answer', await fileOf(file.earlier?.[0]));
    expect([begun.code, begun.out]).toEqual([0, expect.stringMatching(new RegExp(`\nrest of the answer +not checked +a tab left, and the answer goes on in job ${file.job}`))]);
  });

  it('a model file that is not the manifest\'s is named, and not used', async () => {
    const other = await ToyNetwork.open({ seed: 22, stages: 1 });
    const { code, out } = await verify('answer', await fileOf(honest), '--model', other.model.path, '--recompute');
    await other[Symbol.asyncDispose]();
    expect(code).toBe(1);
    expect(out).toMatch(/\nmodel file +failed +manifest\.file\.sha256/);
    expect(out).toMatch(/\nrecomputation +not checked/);
  });

  it('ends with 1 on a file that is no evidence, naming its first wrong field', async () => {
    const { code, out } = await verify('answer', await fileOf({ ...honest, job: 'x' }));
    expect([code, out.trimEnd().split('\n').at(-1)]).toEqual([1, expect.stringMatching(/^failed: job: expected 32 lower-case hex digits/)]);
  });

  it.each([
    { args: ['answer', 'no-such-file.json'], says: 'no-such-file.json cannot be read as evidence: ENOENT' },
    { args: ['answer'], says: 'the file is missing' },
    { args: ['ledger'], says: 'the file or address is missing' },
    { args: ['epoch', 'none.json'], says: 'none.json cannot be read: ENOENT' },
  ])('ends with 2 on $args', async ({ args, says }) => {
    const { code, out, err } = await verify(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(says);
  });

  it('ends with 2 when the file is not JSON, or --recompute has no model file', async () => {
    expect((await verify('answer', await fileOf('{'))).code).toBe(2);
    const { code, err } = await verify('answer', await fileOf(honest), '--recompute');
    expect([code, err]).toEqual([2, expect.stringContaining('--recompute needs the model file toy.gguf')]);
  });
});
