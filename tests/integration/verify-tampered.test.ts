import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { openVerifyModel } from '@ciro/signaling/cli/verify-model.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { randomSource } from '../support/stage-ring.ts';
import { branchesOf, flipped, kindOf, leavesOf, oneOfEachKind, pathText, UNCHECKED, withValue } from '../support/tamper.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { VerifyPorts } from '@ciro/core/evidence/verify-answer.ts';
import type { EvidenceFile } from '@ciro/core/evidence/evidence.ts';
import type { Leaf } from '../support/tamper.ts';

const SEED = 20_260_801;

/** Other values that the schema takes, by kind. */
const ALTERNATIVES: Readonly<Record<string, readonly (string | null)[]>> = {
  assurance: ['checked'],
  finish_reason: ['stop', 'cancelled', 'moved', 'failed'],
  corrected_by: ['0'.repeat(32)],
  continued_by: ['0'.repeat(32)],
  template: [null],
  'stages[*].audit_status': ['pending', 'passed by', 'failed', 'unpaid'],
  'stages[*].identity_public_key': [null],
  'stages[*].nonce': [null],
  'plan.signed.plan.nonces.requester': [null],
  'ledger.credits[*].status': ['void'],
  'draw.stages[*].reason': ['checked', 'drawn', 'unrevealed', null],
  'draw.requester': [null],
  'draw.roots[*]': [null],
  'audits[*].reason': ['drawn', 'suspicion'],
  'audits[*].outcome': ['failed', 'unpaid'],
  'audits[*].opinions[*].auditor': ['coordinator'],
  'audits[*].opinions[*].engine': ['reference'],
  'request.ciro.assurance': ['checked'],
};
/** The template is the file's own: evidence without it is as good. */
const FINE: ReadonlySet<string> = new Set(['template: null']);

let network: ToyNetwork;
let honest: EvidenceFile;
let ports: VerifyPorts;
beforeAll(async () => {
  network = await ToyNetwork.open({ seed: SEED, stages: 2 });
  honest = (await toyEvidence(network, { messages: [{ role: 'user', content: 'hello' }], maxTokens: 8, temperature: 0.8, seed: 7 })).file;
  const { text } = await openVerifyModel(network.model.path, network.manifest, new AbortController().signal);
  ports = { verifySignature, text };
  process.stdout.write(`tampering with seed ${SEED}\n`);
});
afterAll(() => network[Symbol.asyncDispose]());

/** What verifying says of evidence in which one place was changed: the wrong element that it names, or `accepted`. */
async function namedFor(path: Leaf['path'], value: unknown): Promise<string> {
  const { verdict, first } = await verifyAnswer(withValue(honest, path, value), ports);
  return verdict === 'verified' ? 'accepted' : (first?.at ?? 'nothing');
}

/** True when the named element is the changed one, or is made from it: in the same unit, stage or section. */
function isNamed(at: string, path: Leaf['path']): boolean {
  const [section, index] = path;
  // The manifest decides the model, ids decide hashes and text, and what the client sent is right by definition.
  const alias: Readonly<Record<string, readonly string[]>> = { request: ['model', 'plan', 'prompt_ids', 'assurance'], answer_text: ['text'], plan: ['manifest', 'draw'], corrected_by: ['corrected_by'] };
  const places = typeof index === 'number' && (section === 'stages' || section === 'audits') ? [`${section}[${index}]`] : [String(section)];
  // A transcript that names another stage is a wrong transcript of that one.
  return [...places, ...(alias[String(section)] ?? [])].some((place) => at.startsWith(place));
}

it('honest evidence is verified', async () => {
  expect(await namedFor([], honest)).toBe('accepted');
});

it('a flipped value anywhere in the evidence is found and named (SPEC B4)', async () => {
  const random = randomSource(SEED);
  const leaves = oneOfEachKind(leavesOf(honest), random);
  expect(leaves.length).toBeGreaterThan(180);
  const missed: string[] = [];
  for (const { path, value } of leaves) {
    const kind = kindOf(path);
    if (value === null || UNCHECKED.has(kind)) continue;
    const other = flipped(value, random);
    const at = await namedFor(path, other);
    if (!isNamed(at, path)) missed.push(`${pathText(path)}: ${JSON.stringify(value)} → ${JSON.stringify(other)}: ${at}`);
  }
  expect(missed).toEqual([]);
});

it('another value that the form allows is found and named', async () => {
  const random = randomSource(SEED + 1);
  const leaves = oneOfEachKind(leavesOf(honest), random);
  const missed: string[] = [];
  for (const [kind, values] of Object.entries(ALTERNATIVES)) {
    const leaf = leaves.find(({ path }) => kindOf(path) === kind);
    if (leaf === undefined) missed.push(`${kind} is not in the evidence`);
    else {
      for (const value of values) {
        if (value === leaf.value) continue;
        const at = await namedFor(leaf.path, value);
        if (!isNamed(at, leaf.path) && !(at === 'accepted' && FINE.has(`${kind}: ${value}`))) missed.push(`${pathText(leaf.path)} = ${value}: ${at}`);
      }
    }
  }
  expect(missed).toEqual([]);
});

it('a unit, receipt, credit, line, transcript or opinion that is missing is found', async () => {
  const random = randomSource(SEED + 2);
  const arrays = oneOfEachKind(branchesOf(honest).filter(({ value }) => Array.isArray(value) && value.length > 0), random);
  const missed: string[] = [];
  for (const { path, value } of arrays) {
    // Who else could have audited is the coordinator's word alone.
    if (kindOf(path) === 'audits[*].candidates') continue;
    const list: readonly unknown[] = Array.isArray(value) ? value : [];
    for (const gone of new Set([0, list.length - 1])) {
      const at = await namedFor(path, list.filter((_, index) => index !== gone));
      if (at === 'accepted') missed.push(`${pathText(path)}[${gone}]`);
    }
  }
  expect(arrays.length).toBeGreaterThan(20);
  expect(missed).toEqual([]);
});

it('an unknown field anywhere is refused by name (SPEC W2)', async () => {
  const random = randomSource(SEED + 3);
  const objects = oneOfEachKind(branchesOf(honest).filter(({ value }) => !Array.isArray(value)), random);
  const missed: string[] = [];
  for (const { path, value } of objects) {
    // A client may have sent more than this program knows; it is its own file, and pieces are named by hash.
    if (path[0] === 'request' || path[0] === 'timings') continue;
    const at = await namedFor(path, { ...value, surprise: 1 });
    if (!at.startsWith(path[0] === 'manifest' ? 'manifest' : path[0] === 'pieces' ? 'pieces' : [pathText(path), 'surprise'].filter((part) => part !== '').join('.'))) missed.push(`${pathText(path)}: ${at}`);
  }
  expect(missed).toEqual([]);
});

it.each([null, 7, 'evidence', [], {}, { status: 'running', job: 'x' }, { ...{ status: 'recorded' }, stages: [] }].map((value) => ({ value })))('$value is no evidence, and is named as such', async ({ value }) => {
  const { verdict, checks, first } = await verifyAnswer(value, ports);
  expect([verdict, checks.length, checks[0]?.name]).toEqual(['failed', 1, 'form']);
  expect(first?.at).not.toBe('');
});
