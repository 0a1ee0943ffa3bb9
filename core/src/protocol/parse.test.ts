import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCoordinatorMessage, parseWorkerMessage, ProtocolError } from './parse.ts';
import { MAX_BUDGET_BYTES, MAX_JOB_UNITS, MAX_LAYER_MS, MAX_LINE_BYTES_PER_MS, MAX_LINK_RTT_MS, MAX_NONCE_COMMITMENTS, MAX_PIECE_BYTES, MAX_SIGNAL_BYTES, MAX_UNIT_HINT_CHARACTERS, MAX_WHOLE_PIECE_BYTES, RELAY_PIECE_BYTES, RELAY_WINDOW_BYTES } from './limits.ts';

const SEED = 20_263;
const hex = (digits: number): string => '0123456789abcdef'.repeat(16).slice(0, digits);
const job = hex(32);
const node = hex(40);
const hash = hex(64);
const signature = hex(128);
const device = `04${hex(128)}`;
const percentiles = { p50: 1, p95: 2 };
const receipt = { body: { network: 'ciro', job, planHash: hash, stage: 0, worker: node, unit: 0, from: 0, to: 16, inputHash: hash, payloadHash: hash, linkHash: hash }, signature };
const plan = {
  format: 2,
  network: 'ciro',
  job,
  version: 1,
  modelId: hash,
  precision: 'f32',
  stages: [{ worker: node, devicePublicKey: device, layers: [0, 3], nonce: hash }],
  sampler: { temperature: 0.7, topK: 40, topP: 0.9, minP: 0, repetitionPenalty: 1.1, seed: 7 },
  promptHash: hash,
  promptTokens: 5,
  maxTokens: 9,
  stopIds: [2],
  quote: { promptToken: '250', generatedToken: '1000', feeBasisPoints: '250', hold: '10250' },
  nonces: { coordinator: hash, requester: null },
};

const fromWorker: readonly Record<string, unknown>[] = [
  { type: 'hello', protocol: 1, identityPublicKey: '0x1ef', devicePublicKey: device, signature, agent: 'a', resume: 'r', relayOnly: true },
  { type: 'profile', engine: 'wasm', layerMs: 0.8, layerMs16: 4, headMs: 3, memoryBudgetBytes: 6e8 },
  { type: 'shards', assignment: 1, state: 'loading', loadedBytes: 1, totalBytes: 2, fetchedBytes: 1, error: 'e' },
  { type: 'signal', to: node, link: 'link-1', payload: '{}' },
  { type: 'link', link: 'link-1', peer: node, state: 'open', route: 'turn', rttMs: 3.5, loss: 0.05 },
  { type: 'prepared', job, version: 1 },
  { type: 'stage-refused', job, version: 1, code: 'not-signed', message: 'm' },
  { type: 'token', job, version: 1, position: 4, id: 100 },
  { type: 'unit', receipt, canonHash: hash, hintHash: hash, hints: 'AA==' },
  { type: 'acknowledge', job, acknowledgement: { receiptHash: hash, signer: node, signature } },
  { type: 'disagree', job, receipt, linkHash: hash, signature },
  { type: 'root', job, planHash: hash, stage: 0, root: '0xabc', signature, salts: [hex(32)], stats: { engine: 'wasm', decodeMs: percentiles, commitMs: percentiles, unitMs: percentiles, peakMemoryBytes: 1, lapMs: percentiles } },
  { type: 'fault', job, version: 1, code: 'engine', message: 'm' },
  { type: 'alive', job, version: 1 },
  { type: 'engine-lost', code: 'out-of-memory', message: 'm' },
  { type: 'visibility', hidden: true, mobile: false },
  { type: 'leaving', reason: 'stop' },
  { type: 'nonces', commitments: [hash] },
  { type: 'nonce', job, version: 1, rootsHash: hash, nonce: hash, signature },
  { type: 'piece', audit: job, side: 'rows', unit: 1, sha256: hash, offset: 0, total: 3, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'supply-refused', audit: job, side: 'input', code: 'gone', message: 'm' },
  { type: 'audit-refused', audit: job, code: 'busy', message: 'm' },
  { type: 'audit-blind', audit: job, engine: 'webgpu', commitment: hash, signature },
  { type: 'audit-opened', audit: job, salt: hex(32), rows: [hash, hash], ids: { checked: 3, ambiguous: 1, wrong: [{ position: 4, id: 7, gap: 0.5 }] } },
  { type: 'relay', link: 'link-1', last: true, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'relay-taken', link: 'link-1', bytes: 3 },
  { type: 'weights-wanted', modelId: hash, shards: [hash, hash] },
  { type: 'weights-bad', giver: node, modelId: hash, shard: hash, chunk: 3, sha256: hash, signature },
  { type: 'measured', line: { downBytesPerMs: 2_500, upBytesPerMs: 1_250 }, scores: { engine: 'wasm', ms: { bert: 12, resnet: 6.5, whisper: null } } },
  { type: 'sponsor-wanted' },
];
const fromCoordinator: readonly Record<string, unknown>[] = [
  { type: 'challenge', protocol: 1, network: 'ciro', challenge: hash, coordinatorPublicKey: device },
  { type: 'welcome', nodeId: node, resume: 'r', models: [{ id: hash, name: 'm' }] },
  { type: 'refused', code: 'replaced', message: 'm' },
  { type: 'assign', assignment: 1, modelId: hash, layers: [0, 3], standby: true },
  { type: 'connect', link: 'link-1', peer: node, initiator: true, via: 'peer', use: 'ring', iceServers: [{ urls: 'turn:a', username: 'u', credential: 'c' }] },
  { type: 'disconnect', link: 'link-1' },
  { type: 'signal', from: node, link: 'link-1', payload: '{}' },
  { type: 'plan', signed: { plan, signature }, stage: 0, promptIds: Uint8Array.of(1, 0, 0, 0) },
  { type: 'start', job, version: 1 },
  { type: 'probe', job, version: 1 },
  { type: 'finish', job, version: 1, acceptedTo: 6, reason: 'stop' },
  { type: 'credit', job, amount: '12', status: 'payable', pendingTotal: '0', payableTotal: '12', promotionalTotal: '5', withheldTotal: '3', paidPositions: 13, generatedTokens: 6, entry: { sequence: 4, hash } },
  { type: 'credit', job, amount: '12', status: 'pending', pendingTotal: '12', payableTotal: '0', withheldTotal: '3', paidPositions: 13, generatedTokens: 6, entry: { sequence: 4, hash } },
  { type: 'dropped', code: 'malformed', message: 'm' },
  { type: 'reveal', job, version: 1, roots: ['0xabc', null] },
  { type: 'release', job, version: 1 },
  { type: 'supply', audit: job, job, version: 1, side: 'payload', units: 2 },
  { type: 'audit', audit: job, job, planHash: hash, stage: 2, modelId: hash, layers: [20, 30], positions: 12, sampling: { sampler: plan.sampler, promptTokens: 5 } },
  { type: 'piece', audit: job, side: 'payload', unit: 0, sha256: hash, offset: 131_072, total: 131_075, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'audit-open', audit: job, root: '0xabc', leaves: [hash] },
  { type: 'audit-cancelled', audit: job },
  { type: 'head', head: { body: { network: 'ciro', sequence: 9, hash, at: 1_000 }, signature } },
  { type: 'standing', nodeId: node, passed: 12, successfulAudits: 3, failedAudits: 0, auditRate: 0.333, state: 'active' },
  { type: 'relay', link: 'link-1', last: false, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'relay-taken', link: 'link-1', bytes: 3 },
  { type: 'weights-givers', modelId: hash, publicUrl: 'https://hub.test/model.gguf', givers: [{ peer: node, devicePublicKey: device, shards: [hash] }] },
  { type: 'epoch-claimable', epoch: 3 },
  { type: 'sponsor-ticket', ticket: `1780000000.${hex(32)}.${hash}` },
  { type: 'sponsor-refused', code: 'too-many', message: 'm', retryAfterMs: 60_000 },
];
const measured = (parts: object): object => ({ type: 'measured', ...parts });
const directions = [
  ['worker', parseWorkerMessage, fromWorker],
  ['coordinator', parseCoordinatorMessage, fromCoordinator],
] as const;

/** Fields that the schema lets a sender leave out. */
const OPTIONAL = new Set(['resume', 'error', 'username', 'credential', 'relayOnly', 'loss', 'line', 'scores', 'promotionalTotal']);
const malformed = expect.objectContaining({ code: 'malformed' });

it.each(directions)('W2: every message of a %s is taken as it is', (_, parse, messages) => {
  for (const message of messages) expect(parse(message)).toEqual(message);
});

it.each(directions)('W2: in messages of a %s a missing, surplus or mistyped field is malformed and named', (_, parse, messages) => {
  for (const message of messages) {
    expect(() => parse({ ...message, surplus: 1 })).toThrow(expect.objectContaining({ code: 'malformed', message: expect.stringContaining('surplus') }));
    for (const field of Object.keys(message)) {
      const { [field]: _value, ...rest } = message;
      if (!OPTIONAL.has(field)) expect(() => parse(rest), `${String(message['type'])} without ${field}`).toThrow(malformed);
      if (field !== 'type') expect(() => parse({ ...message, [field]: Symbol.iterator }), field).toThrow(expect.objectContaining({ code: 'malformed', fields: { path: expect.stringContaining(field) } }));
    }
  }
});

it.each([
  ['a signal past its limit', { ...fromWorker[3], payload: 'x'.repeat(MAX_SIGNAL_BYTES + 1) }],
  ['a negative position', { ...fromWorker[7], position: -1 }],
  ['a fraction of a token', { ...fromWorker[7], id: 1.5 }],
  ['an id past exact integers', { ...fromWorker[7], id: 2 ** 53 }],
  ['a time that is no number', { ...fromWorker[1], layerMs: Number.NaN }],
  ['a time without end', { ...fromWorker[1], layerMs: Number.POSITIVE_INFINITY }],
  ['a layer that takes longer than a minute', { ...fromWorker[1], layerMs16: MAX_LAYER_MS + 1 }],
  ['a memory budget that no browser gives', { ...fromWorker[1], memoryBudgetBytes: MAX_BUDGET_BYTES + 1 }],
  ['a round trip longer than any link lives', { ...fromWorker[4], rttMs: MAX_LINK_RTT_MS + 1 }],
  ['W3: a line of no bytes', measured({ line: { downBytesPerMs: 0, upBytesPerMs: null } })],
  ['W3: a line quicker than a tab can tell', measured({ line: { downBytesPerMs: null, upBytesPerMs: MAX_LINE_BYTES_PER_MS + 1 } })],
  ['W4: a run that took no time', measured({ scores: { engine: 'wasm', ms: { bert: 0, resnet: 1, whisper: 1 } } })],
  ['W4: a score without a shape', measured({ scores: { engine: 'wasm', ms: { bert: 1, resnet: 1 } } })],
  ['W4: a score of a shape that is not known', measured({ scores: { engine: 'wasm', ms: { bert: 1, resnet: 1, whisper: 1, gpt: 1 } } })],
  ['an upper-case job id', { ...fromWorker[7], job: job.toUpperCase() }],
  ['a compressed device key', { ...fromWorker[0], devicePublicKey: `02${hex(64)}` }],
  ['a public key with leading zeros, a second text of the same key', { ...fromWorker[0], identityPublicKey: '0x01ef' }],
  ['a root of 65 digits', { ...fromWorker[11], root: `0x${hex(64)}0` }],
  ['more salts than any job has units', { ...fromWorker[11], salts: new Array(MAX_JOB_UNITS + 1).fill(hex(32)) }],
  ['a unit with more hints than any has', { ...fromWorker[8], hints: 'A'.repeat(MAX_UNIT_HINT_CHARACTERS + 4) }],
  ['a unit with hints that are no base64', { ...fromWorker[8], hints: 'AAA!' }],
  ['a unit with hints that look like base64', { ...fromWorker[8], hints: 'AAA\u212a' }],
  ['a unit with hints that are cut off', { ...fromWorker[8], hints: 'AAA' }],
  ['more nonces than a coordinator keeps', { ...fromWorker[14], commitments: new Array(MAX_NONCE_COMMITMENTS + 1).fill(hash) }],
  ['a piece of no bytes', { ...fromWorker[16], bytes: new Uint8Array(0) }],
  ['a piece that is larger than one message holds', { ...fromWorker[16], bytes: new Uint8Array(MAX_PIECE_BYTES + 1) }],
  ['a piece of a whole that no unit has', { ...fromWorker[16], total: MAX_WHOLE_PIECE_BYTES + 1 }],
  ['a piece of a side that only auditors are sent', { ...fromWorker[16], side: 'leaf' }],
  ['a blind result of an engine that only the coordinator has', { ...fromWorker[19], engine: 'reference' }],
  ['a relayed piece of no bytes', { ...fromWorker[22], bytes: new Uint8Array(0) }],
  ['a relayed piece that is larger than one message holds', { ...fromWorker[22], bytes: new Uint8Array(RELAY_PIECE_BYTES + 1) }],
  ['more bytes taken than can be on the way', { ...fromWorker[23], bytes: RELAY_WINDOW_BYTES + 1 }],
  ['more loss than everything', { ...fromWorker[4], loss: 1.1 }],
  ['an opening without rows', { ...fromWorker[20], rows: [] }],
  ['an opening with a gap that is no number', { ...fromWorker[20], ids: { checked: 1, ambiguous: 0, wrong: [{ position: 4, id: 7, gap: Number.NaN }] } }],
])('W2: %s is malformed', (_, message) => {
  expect(() => parseWorkerMessage(message)).toThrow(malformed);
});

it('W2: binary is taken as a Buffer, as it arrives in Node, and as an ArrayBuffer, as it arrives in browsers', () => {
  for (const promptIds of [Buffer.from([1, 0, 0, 0]), Uint8Array.of(1, 0, 0, 0).buffer]) {
    const message = parseCoordinatorMessage({ ...fromCoordinator[7], promptIds });
    expect(message.type === 'plan' && [...(message.promptIds ?? [])]).toEqual([1, 0, 0, 0]);
  }
  expect(() => parseCoordinatorMessage({ ...fromCoordinator[7], promptIds: [1, 0, 0, 0] })).toThrow(malformed);
});

it('W2: what is said of a bad message is short, however long the message', () => {
  const long = 'x'.repeat(100_000);
  for (const message of [{ type: long }, { ...fromWorker[1], engine: long }, { ...fromWorker[1], [long]: 1 }]) {
    expect(() => parseWorkerMessage(message)).toThrow(expect.objectContaining({ message: expect.stringMatching(/^.{1,500}$/) }));
  }
});

/** Any value that MessagePack can carry. */
const anything = fc.anything({ withBigInt: false, withDate: true, withTypedArray: true, withNullPrototype: false, withSparseArray: false });
const leaf = fc.oneof(anything, fc.constantFrom(null, undefined, '', 0, -1, Number.NaN, hash, job, node, '__proto__', []));

/** A valid message in which one value somewhere is another, one key is another, or a piece is missing. */
function mutate(value: unknown, path: readonly number[], replacement: unknown, how: number): unknown {
  const [step, ...rest] = path;
  if (step === undefined || value === null || typeof value !== 'object' || value instanceof Uint8Array) return replacement;
  if (Array.isArray(value)) return value.length === 0 ? [replacement] : value.map((item, index) => (index === step % value.length ? mutate(item, rest, replacement, how) : (item as unknown)));
  const entries = Object.entries(value);
  const [key, item] = entries[step % entries.length] as [string, unknown];
  const others = entries.filter(([name]) => name !== key);
  if (rest.length === 0 && how === 1) return Object.fromEntries(others);
  if (rest.length === 0 && how === 2) return Object.fromEntries([...others, [`${key}_`, item]]);
  return Object.fromEntries([...others, [key, mutate(item, rest, replacement, how)]]);
}

it.each(directions)(`W2: 20,000 damaged messages of a %s are taken unchanged or refused as malformed, nothing else (seed ${SEED})`, (_, parse, messages) => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...messages), fc.array(fc.nat(40), { maxLength: 5 }), leaf, fc.nat(4), (message, path, replacement, how) => {
      const damaged = mutate(message, path, replacement, how);
      try {
        expect(parse(damaged)).toEqual(damaged);
        taken++;
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'malformed') throw error;
        refused++;
      }
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  expect(refused).toBeGreaterThan(10_000);
  expect(taken).toBeGreaterThan(10);
});
