import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import { devnetHere } from '../support/devnet-binary.ts';
import { browserHere, needBrowser } from '../support/network.ts';
import { startProgram } from '../support/network-program.ts';
import { greedyVector } from '../support/network-vectors.ts';

const browser = await browserHere();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-once-'));
});
beforeEach((test) => needBrowser(test, browser));
afterAll(() => rm(folder, { recursive: true, force: true }));

const chain = await devnetHere();
if ('missing' in chain) console.warn(`npm start pays nobody on a chain here: ${chain.missing}`);

it('npm start -- --once prints the answer and its evidence, pays its workers where a devnet is installed, and ends well', async () => {
  await using program = startProgram(['start', '--once', 'What is the capital of France?', '--data', join(folder, 'data')], { PORT: '0' });
  expect(await program.exit, program.stderr).toBe(0);
  expect(program.stdout).toContain('Paris');
  // Three stages over all layers, each with valid receipts, an audit that the spare made, and a credit.
  expect(program.stdout.match(/^[012] +[0-9a-f]{12} +\d+–\d+ +(wasm|webgpu) +direct .*\d+ of \d+ valid +passed +\d+\.\d+ payable$/gm)).toHaveLength(3);
  expect(program.stdout).toMatch(/debit \d+ = fee \d+ \+ credits/);
  if ('missing' in chain) {
    expect(program.stderr.match(/^no chain: credits stay in the ledger .*$/gm)).toHaveLength(1);
    return;
  }
  // Everybody who computed has the earned half on chain, at an account that paid no gas; the other half is the newcomer's bond.
  const paid = [...program.stdout.matchAll(/^([0-9a-f]{12}) +0x[0-9a-f]+…[0-9a-f]{4} +([\d.]+) CIRO +0x[0-9a-f]+…[0-9a-f]{4} +([\d.]+) CIRO +0$/gm)];
  const computed = [...program.stdout.matchAll(/^[012] +([0-9a-f]{12}) /gm)].map(([, worker]) => worker);
  expect(paid.map(([, worker]) => worker)).toEqual(expect.arrayContaining(computed));
  for (const [, worker, earned, balance] of paid) expect(Number(balance), worker).toBeGreaterThanOrEqual(Number(earned));
  expect(program.stdout).toMatch(/^transaction 0x[0-9a-f]{50,64}$/m);
});

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Worker = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const Amount = v.pipe(v.string(), v.regex(/^[1-9]\d*$/));
const Positive = v.pipe(v.number(), v.minValue(Number.MIN_VALUE));
const Whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const Milliseconds = v.pipe(v.number(), v.minValue(0));

/** Every field that the file promises, and its kind. */
const JobFile = v.object({
  model: v.object({ id: Sha256, sha256: v.literal('b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'), architecture: v.looseObject({ layers: v.literal(30), hidden: v.literal(576) }) }),
  plan: v.object({ hash: Sha256, version: v.pipe(Whole, v.minValue(1)) }),
  prompt_tokens: v.pipe(Whole, v.minValue(1)),
  completion_tokens: v.pipe(Whole, v.minValue(1)),
  token_ids: v.array(Whole),
  text: v.string(),
  ttft_ms: Positive,
  tokens_per_second: Positive,
  stages: v.array(
    v.object({
      worker: Worker,
      layers: v.tuple([Whole, Whole]),
      engine: v.literal('wasm'),
      link: v.literal('direct'),
      ms_per_token: v.object({ p50: Positive, p95: Positive }),
      peak_memory_bytes: Positive,
      units: v.pipe(v.array(v.object({ from: Whole, to: Whole, payload_sha256: Sha256, canonical_sha256: Sha256, hint_bytes: Whole })), v.minLength(1)),
      receipts: v.pipe(v.array(v.object({ signer: Worker, valid: v.literal(true) })), v.minLength(1)),
      audit_status: v.literal('passed'),
    }),
  ),
  ledger: v.object({ debit: Amount, fee: Amount, credits: v.array(v.object({ worker: Worker, amount: Amount, status: v.literal('payable') })) }),
  timings: v.object({ install_ms: Milliseconds, model_ms: Positive, join_ms: v.array(Positive), ready_ms: v.array(Positive) }),
});

it('npm run job -- --json writes the whole evidence of an answer over as many stages as asked', async () => {
  const json = join(folder, 'out.json');
  const wish = ['job', '--prompt', 'How are you today?', '--system', 'You are a pirate. Answer in the voice of a pirate.', '--stages', '2', '--max-tokens', '10', '--temperature', '0', '--seed', '1', '--engine', 'wasm', '--json', json];
  await using program = startProgram(wish);
  expect(await program.exit, program.stderr).toBe(0);
  const file = v.parse(JobFile, JSON.parse(await readFile(json, 'utf8')));
  expect(file.stages.map(({ layers }) => layers.join())).toEqual([`0,${file.stages[0]?.layers[1]}`, `${file.stages[0]?.layers[1]},30`]);
  expect(file.completion_tokens).toBe(file.token_ids.length);
  // As the unsharded model does.
  expect(file.token_ids).toEqual(greedyVector('explicit system').outputIds.slice(0, 10));
  // Two stages and a spare that audits them.
  expect(file.timings.join_ms).toHaveLength(3);
  expect(file.timings.ready_ms).toHaveLength(2);
  expect(program.stdout).toContain(file.text);
  const { debit, fee, credits } = file.ledger;
  expect(BigInt(debit)).toBe(credits.reduce((sum, { amount }) => sum + BigInt(amount), BigInt(fee)));
});

it('npm run job names a wrong flag and ends with 2', async () => {
  await using program = startProgram(['job', '--prompt', 'Hello', '--stages', 'many']);
  expect(await program.exit).toBe(2);
  expect(program.stderr).toContain('--stages is "many"');
});
