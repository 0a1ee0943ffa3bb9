import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { identityPublicKey, nodeIdOf, signBinding } from '@ciro/core/identity/identity.ts';
import { MAX_NONCE_COMMITMENTS, PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { HELLO_TIMEOUT_MS, MESSAGE_BURST, MESSAGES_PER_SECOND, OFFENCE_BUDGET, RECORD_FLUSH_MS, RELAY_MESSAGE_BURST, RESUME_MS } from './session-limits.ts';
import { withUpdate } from './node-records.ts';
import { Sessions } from './sessions.ts';
import { VirtualClock } from './virtual-clock.fixture.ts';
import type { NodeRecords, StoredNode } from './node-records.ts';
import type { Session } from './session.ts';

const NETWORK = 'ciro-test';
const devicePublicKey = `04${'b2'.repeat(64)}`;
const profile = { engine: 'wasm', layerMs: 1, layerMs16: 4, headMs: 3, memoryBudgetBytes: 1e9 } as const;
const hash = (n: number): HexHash => n.toString(16).padStart(64, '0') as HexHash;
const hashes = (from: number, count: number): HexHash[] => Array.from({ length: count }, (_, n) => hash(from + n));
const token = { type: 'token', job: 'c3'.repeat(16), version: 1, position: 3, id: 4 } as const;

/** A tab's end of a connection. */
class Tab {
  readonly received: CoordinatorMessage[] = [];
  closed = false;
  readonly session: Session;
  readonly #key: string;

  constructor(sessions: Sessions, seed: number) {
    this.#key = `0x${(1000 + seed).toString(16)}`;
    this.session = sessions.open({ send: (message) => this.received.push(message), close: () => (this.closed = true) });
  }

  get nodeId(): NodeId {
    return nodeIdOf(identityPublicKey(this.#key));
  }

  last<T extends CoordinatorMessage['type']>(type: T): Extract<CoordinatorMessage, { type: T }> | undefined {
    return this.received.findLast((message): message is Extract<CoordinatorMessage, { type: T }> => message.type === type);
  }

  greet(change: object = {}): this {
    const challenge = this.last('challenge')?.challenge ?? '';
    const signature = signBinding({ network: NETWORK, devicePublicKey, challenge }, this.#key);
    this.session.receive({ type: 'hello', protocol: PROTOCOL_VERSION, identityPublicKey: identityPublicKey(this.#key), devicePublicKey, signature, agent: 'test', ...change });
    return this;
  }

  measure(change: object = {}): this {
    this.session.receive({ type: 'profile', ...profile, ...change });
    return this;
  }
}

class Records implements NodeRecords {
  readonly nodes = new Map<NodeId, StoredNode>();
  failing = false;
  writes = 0;

  async add(updates: Parameters<NodeRecords['add']>[0]): Promise<void> {
    if (this.failing) throw new Error('no disk');
    this.writes++;
    for (const update of updates) this.nodes.set(update.nodeId, withUpdate(this.nodes.get(update.nodeId), update));
  }

  async find(nodeId: NodeId): Promise<StoredNode | undefined> {
    return this.nodes.get(nodeId);
  }

  async list(limit: number): Promise<StoredNode[]> {
    return [...this.nodes.values()].slice(0, limit);
  }
}

function setup(maxSessions = 100) {
  const clock = new VirtualClock();
  const records = new Records();
  const errors: unknown[] = [];
  const told: string[] = [];
  let count = 0;
  // A counter's hash: no two draws are equal, and every run is the same.
  const randomBytes = (length: number): Uint8Array => new Uint8Array(createHash('sha512').update(String(count++)).digest().subarray(0, length));
  const sessions = new Sessions({ clock, records, coordinatorPublicKey: `04${'aa'.repeat(64)}`, randomBytes, models: () => [], onError: (error) => errors.push(error) }, { network: NETWORK, maxSessions });
  sessions.observe({
    joined: (worker) => told.push(`joined ${worker.nodeId.slice(0, 4)}`),
    left: (nodeId, reason, returns) => told.push(`left ${nodeId.slice(0, 4)}: ${reason}${returns ? ', returns' : ''}`),
    message: (nodeId, message) => told.push(`${message.type} from ${nodeId.slice(0, 4)}`),
  });
  const tab = (seed = 1): Tab => new Tab(sessions, seed);
  const name = (of: Tab): string => of.nodeId.slice(0, 4);
  return { clock, records, errors, told, sessions, tab, name };
}

it('W1: a connection is challenged first, with protocol, network and the coordinator key', () => {
  const { tab } = setup();
  const [challenge] = tab().received;
  expect(challenge).toMatchObject({ type: 'challenge', protocol: PROTOCOL_VERSION, network: NETWORK, coordinatorPublicKey: `04${'aa'.repeat(64)}`, challenge: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(tab().received[0]).not.toEqual(challenge);
});

it('K3: a proven identity is welcomed and, once measured, is a worker', () => {
  const { sessions, tab, told, name } = setup();
  const one = tab().greet();
  expect(one.last('welcome')).toMatchObject({ nodeId: one.nodeId, models: [] });
  expect(sessions.workers()).toEqual([]);
  one.measure();
  expect(sessions.workers()).toMatchObject([{ nodeId: one.nodeId, devicePublicKey, agent: 'test', profile }]);
  expect(told).toEqual([`joined ${name(one)}`]);
});

it('L5: a tab that hides its address says so in its hello; others do not', () => {
  const { sessions, tab } = setup();
  const hidden = tab().greet({ relayOnly: true });
  const open = tab(2).greet();
  expect([sessions.hidesAddress(hidden.nodeId), sessions.hidesAddress(open.nodeId)]).toEqual([true, false]);
  hidden.session.end('gone');
  expect(sessions.hidesAddress(hidden.nodeId)).toBe(false);
});

it('Y7: who wants a ticket is known by the key that it proved, and a stranger is not heard', () => {
  const { sessions, tab } = setup();
  const heard: string[] = [];
  sessions.observe({ message: () => heard.push('message'), sponsorWanted: ({ nodeId }) => heard.push(nodeId) });
  const one = tab().greet();
  one.session.receive({ type: 'sponsor-wanted' });
  const stranger = tab();
  stranger.session.receive({ type: 'sponsor-wanted' });
  expect(heard).toEqual([one.nodeId]);
  expect(stranger.last('refused')).toMatchObject({ code: 'hello-expected' });
  one.session.receive({ type: 'sponsor-wanted', account: '0x5' });
  expect([heard.length, one.last('dropped')?.code]).toEqual([1, 'malformed']);
});

it('L3: relayed frames reach their own listener, of greeted workers only, and no other', () => {
  const { sessions, tab } = setup();
  const heard: unknown[] = [];
  sessions.observe({ message: (_, message) => heard.push(message), relayed: (node, message) => heard.push([node, message]) });
  const piece = { type: 'relay', link: 'l', last: true, bytes: Uint8Array.of(1) };
  const one = tab().greet();
  one.session.receive(piece);
  one.session.receive({ type: 'relay-taken', link: 'l', bytes: 1 });
  expect(heard).toEqual([[one.nodeId, piece], [one.nodeId, { type: 'relay-taken', link: 'l', bytes: 1 }]]);
  const stranger = tab();
  stranger.session.receive(piece);
  expect([heard.length, stranger.last('refused')?.code]).toEqual([2, 'hello-expected']);
});

it.each([
  ['protocol-version', { protocol: PROTOCOL_VERSION + 1, somethingNew: true }],
  ['bad-signature', { devicePublicKey: `04${'b3'.repeat(64)}` }],
  ['bad-signature', { identityPublicKey: '0x1ef' }],
  ['malformed', { signature: 'short' }],
  ['malformed', { surplus: 1 }],
] as const)('W1, W2, K3: a hello is refused as %s and the connection closed: %o', (code, change) => {
  const { sessions, tab, told } = setup();
  const one = tab().greet(change);
  expect(one.last('refused')?.code).toBe(code);
  expect(one.closed).toBe(true);
  expect([sessions.size, told]).toEqual([0, []]);
});

it('K3: a signature over another connection\'s challenge is refused', () => {
  const { tab } = setup();
  const [one, other] = [tab(), tab()];
  other.received.splice(0, 1, ...one.received);
  expect(other.greet().last('refused')?.code).toBe('bad-signature');
});

it('whoever says something else before hello, or nothing for too long, is refused', () => {
  const { clock, tab, sessions } = setup();
  const [early, silent] = [tab(1), tab(2)];
  early.session.receive({ type: 'leaving', reason: '' });
  expect(early.last('refused')?.code).toBe('hello-expected');
  clock.advance(HELLO_TIMEOUT_MS - 1);
  expect(silent.closed).toBe(false);
  clock.advance(1);
  expect(silent.last('refused')?.code).toBe('hello-expected');
  expect(sessions.size).toBe(0);
});

it('a greeted connection is not refused later for having been slow', () => {
  const { clock, tab } = setup();
  const one = tab().greet();
  clock.advance(HELLO_TIMEOUT_MS * 2);
  expect(one.closed).toBe(false);
});

it('the newest connection of an identity replaces the older one, which hears no more', () => {
  const { sessions, tab, told, name } = setup();
  const older = tab().greet().measure();
  const newer = tab().greet().measure();
  expect(older.last('refused')?.code).toBe('replaced');
  expect(told).toEqual([`joined ${name(older)}`, `left ${name(older)}: replaced`, `joined ${name(older)}`]);
  older.session.receive(token);
  older.session.end('late');
  expect(told).toHaveLength(3);
  sessions.send(newer.nodeId, { type: 'dropped', code: 'a', message: 'b' });
  expect(newer.last('dropped')).toBeDefined();
  expect(older.last('dropped')).toBeUndefined();
});

it('a resume token brings the profile back, once measured, within its time and for its own node only', () => {
  const { clock, sessions, tab } = setup();
  const first = tab(1).greet().measure();
  const resume = first.last('welcome')?.resume;
  first.session.end('lost');
  expect(sessions.workers()).toEqual([]);
  tab(2).greet({ resume });
  expect(sessions.workers()).toEqual([]);
  const second = tab(1).greet({ resume });
  expect(sessions.workers()).toMatchObject([{ nodeId: first.nodeId, profile }]);
  second.session.end('lost');
  tab(1).greet({ resume });
  expect(sessions.workers(), 'an older token').toEqual([]);
  const third = tab(1).greet().measure();
  third.session.end('lost');
  clock.advance(RESUME_MS);
  tab(1).greet({ resume: third.last('welcome')?.resume });
  expect(sessions.workers(), 'too late').toEqual([]);
});

it('W3, W4: what a worker measures beside its profile is kept part by part, and nobody is told that it joined again', () => {
  const { tab, sessions, told } = setup();
  const one = tab().greet().measure();
  const heard = told.length;
  const line = { downBytesPerMs: 2_000, upBytesPerMs: null };
  const scores = { engine: 'wasm', ms: { bert: 12, resnet: null, whisper: 30 } };
  one.session.receive({ type: 'measured', line });
  one.session.receive({ type: 'measured', scores });
  expect(sessions.worker(one.nodeId)?.measured).toEqual({ line, scores });
  one.session.receive({ type: 'measured', line: { downBytesPerMs: -1, upBytesPerMs: null } });
  expect(sessions.worker(one.nodeId)?.measured).toEqual({ line, scores });
  expect(told).toHaveLength(heard);
});

it('leaving takes a worker out of placement on an open connection; a new profile brings it back', () => {
  const { sessions, tab, told, name } = setup();
  const one = tab().greet().measure();
  one.session.receive({ type: 'leaving', reason: 'Stop was pressed' });
  expect(sessions.workers()).toEqual([]);
  one.session.receive(token);
  one.measure();
  one.session.end('transport close');
  expect(told).toEqual([`joined ${name(one)}`, `left ${name(one)}: Stop was pressed`, `token from ${name(one)}`, `joined ${name(one)}`, `left ${name(one)}: transport close`]);
});

it('W2: malformed messages are answered with dropped, and past the budget with a refusal; forgiveness comes with time', () => {
  const { clock, tab } = setup();
  const one = tab().greet();
  for (let i = 0; i < OFFENCE_BUDGET; i++) one.session.receive({ type: 'nonsense' });
  expect(one.closed).toBe(false);
  expect(one.received.filter((message) => message.type === 'dropped')).toHaveLength(OFFENCE_BUDGET);
  clock.advance(11_000);
  one.session.receive(null);
  expect(one.closed).toBe(false);
  one.session.receive(undefined);
  expect(one.last('refused')?.code).toBe('too-many-messages');
  expect(one.session.offences).toBe(OFFENCE_BUDGET + 2);
});

it('a flood is refused; the same number of messages over time is not', () => {
  const { clock, tab } = setup();
  const steady = tab(1).greet();
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < MESSAGES_PER_SECOND; i++) steady.session.receive(token);
    clock.advance(1_000);
  }
  expect(steady.closed).toBe(false);
  const flood = tab(2).greet();
  for (let i = 0; i < MESSAGE_BURST; i++) flood.session.receive(token);
  expect(flood.last('refused')?.code).toBe('too-many-messages');
});

it('what a tab relays takes nothing of what it may say, and has a limit of its own', () => {
  const { tab } = setup();
  const taken = { type: 'relay-taken', link: 'l', bytes: 1 };
  const busy = tab(1).greet();
  for (let i = 0; i < RELAY_MESSAGE_BURST; i++) busy.session.receive(taken);
  for (let i = 0; i < MESSAGES_PER_SECOND; i++) busy.session.receive(token);
  expect(busy.closed).toBe(false);
  busy.session.receive(taken);
  expect(busy.last('refused')).toMatchObject({ code: 'too-many-messages', message: expect.stringContaining(`${RELAY_MESSAGE_BURST} relayed pieces`) });
});

it('an offence that another room reports counts like a malformed message', () => {
  const { sessions, tab } = setup();
  const one = tab().greet();
  for (let i = 0; i <= OFFENCE_BUDGET; i++) sessions.offend(one.nodeId, 'forged', 'forged', 'a receipt does not verify');
  expect(one.last('dropped')).toMatchObject({ code: 'forged', message: 'a receipt does not verify' });
  expect(one.last('refused')?.code).toBe('too-many-messages');
});

it('a second hello on one connection changes nothing', () => {
  const { sessions, tab } = setup();
  const one = tab().greet().measure().greet();
  expect(one.last('dropped')?.code).toBe('greeted-already');
  expect(sessions.workers()).toHaveLength(1);
});

it('connections past the limit are refused as full, and one that ends makes room', () => {
  const { sessions, tab } = setup(2);
  const [one] = [tab(1), tab(2)];
  expect(tab(3).last('refused')?.code).toBe('full');
  one?.session.end('gone');
  expect(tab(4).last('challenge')).toBeDefined();
  expect(sessions.size).toBe(2);
});

it('the round trip that placement uses follows the pings', () => {
  const { clock, sessions, tab } = setup();
  const one = tab();
  clock.advance(100);
  one.greet().measure();
  expect(sessions.worker(one.nodeId)?.rttMs).toBe(100);
  one.session.measured(40);
  expect(sessions.worker(one.nodeId)?.rttMs).toBe(40);
  for (let i = 0; i < 30; i++) one.session.measured(20);
  expect(sessions.worker(one.nodeId)?.rttMs).toBeCloseTo(20, 0);
});

it('credits reach their worker', () => {
  const { sessions, tab } = setup();
  const one = tab().greet();
  sessions.sendCredit(one.nodeId, { job: token.job as never, amount: '12', status: 'pending', pendingTotal: '12', payableTotal: '0', withheldTotal: '0', paidPositions: 3, generatedTokens: 1, entry: { sequence: 7, hash: 'ab'.repeat(32) as HexHash } });
  expect(one.last('credit')).toMatchObject({ amount: '12', status: 'pending', entry: { sequence: 7 } });
});

it('A1: nonce commitments are kept for plans, from a greeted worker on; they end with their connection', () => {
  const { sessions, tab, told } = setup();
  const one = tab().greet();
  expect(sessions.takeNonce(one.nodeId)).toBeNull();
  one.session.receive({ type: 'nonces', commitments: [hash(1), hash(2), hash(3)] });
  expect(sessions.takeNonce(one.nodeId)).toBe(hash(1));
  one.measure();
  expect(sessions.takeNonce(one.nodeId), 'measuring keeps them').toBe(hash(2));
  one.session.end('lost');
  expect(sessions.takeNonce(one.nodeId)).toBeNull();
  const again = tab().greet();
  expect(sessions.takeNonce(again.nodeId)).toBeNull();
  again.session.receive({ type: 'nonces', commitments: [hash(3)] });
  expect(sessions.takeNonce(again.nodeId)).toBe(hash(3));
  expect(told.filter((what) => what.startsWith('nonces'))).toEqual([]);
});

it('A1: surplus and repeated nonce commitments are offences, and change nothing', () => {
  const { sessions, tab } = setup();
  const one = tab().greet();
  one.session.receive({ type: 'nonces', commitments: hashes(0, MAX_NONCE_COMMITMENTS) });
  one.session.receive({ type: 'nonces', commitments: hashes(1_000, 1) });
  expect(one.last('dropped')?.code).toBe('too-many-nonces');
  sessions.takeNonce(one.nodeId);
  one.session.receive({ type: 'nonces', commitments: hashes(0, 1) });
  expect(one.last('dropped')?.code).toBe('nonce-repeated');
  one.session.receive({ type: 'nonces', commitments: hashes(1_000, 1) });
  expect(one.session.offences).toBe(2);
});

it('G4: a worker that lost its engine takes no more work, and no plan names a nonce that it forgot, until it gave others and a profile', () => {
  const { sessions, tab, told, name } = setup();
  const one = tab().greet();
  one.session.receive({ type: 'nonces', commitments: hashes(0, MAX_NONCE_COMMITMENTS) });
  one.measure();
  const lost = { type: 'engine-lost', code: 'stuck', message: 'the run stands' };
  one.session.receive(lost);
  expect([sessions.workers(), sessions.takeNonce(one.nodeId), one.closed]).toEqual([[], null, false]);
  one.session.receive({ type: 'nonces', commitments: hashes(1_000, MAX_NONCE_COMMITMENTS) });
  one.measure();
  one.session.receive({ ...lost, code: 'bored' });
  expect([sessions.workers().length, sessions.takeNonce(one.nodeId)]).toEqual([1, hash(1_000)]);
  expect(told).toEqual([`joined ${name(one)}`, `left ${name(one)}: lost its engine: stuck: the run stands, returns`, `joined ${name(one)}`]);
  expect(one.session.offences).toBe(1);
});

it('G5: a page that is hidden on a phone may freeze, until it is shown again; one of another device may not', () => {
  const { sessions, tab } = setup();
  const one = tab().greet();
  const mayFreeze = (hidden: boolean, mobile: boolean): boolean | undefined => {
    one.session.receive({ type: 'visibility', hidden, mobile });
    return sessions.worker(one.nodeId)?.mayFreeze;
  };
  expect(mayFreeze(true, true)).toBeUndefined();
  one.measure();
  expect(sessions.worker(one.nodeId)?.mayFreeze).toBe(true);
  expect([mayFreeze(false, true), mayFreeze(true, false), mayFreeze(true, true)]).toEqual([false, false, true]);
  expect(one.session.offences).toBe(0);
});

it('messages about audits are passed on like those about jobs', () => {
  const { tab, told, name } = setup();
  const one = tab().greet();
  const audit = 'c3'.repeat(16);
  one.session.receive({ type: 'nonce', job: token.job, version: 1, rootsHash: 'ab'.repeat(32), nonce: 'cd'.repeat(32), signature: 'ab'.repeat(64) });
  one.session.receive({ type: 'piece', audit, side: 'input', unit: 0, sha256: 'ab'.repeat(32), offset: 0, total: 4, bytes: new Uint8Array(4) });
  one.session.receive({ type: 'audit-refused', audit, code: 'busy', message: '' });
  expect(told).toEqual(['nonce', 'piece', 'audit-refused'].map((type) => `${type} from ${name(one)}`));
});

it('nodes are all who have proven who they are; workers those that can be placed', () => {
  const { sessions, tab } = setup();
  const [one, two] = [tab(1).greet().measure(), tab(2).greet()];
  tab(3);
  expect(sessions.nodes()).toEqual([one.nodeId, two.nodeId].toSorted());
  expect(sessions.workers().map(({ nodeId }) => nodeId)).toEqual([one.nodeId]);
});

it('a node record sums connected time, round trips and paid work over connections and writes', async () => {
  const { clock, records, sessions, tab, errors } = setup();
  const one = tab(1).greet().measure();
  one.session.measured(10);
  one.session.measured(30);
  clock.advance(RECORD_FLUSH_MS);
  await Promise.resolve();
  expect(records.writes).toBe(1);
  clock.advance(10_000);
  one.session.end('gone');
  const identity = { nodeId: one.nodeId, identityPublicKey: identityPublicKey('0x3e9'), devicePublicKey, agent: 'test' };
  sessions.contributed(identity, 240);
  sessions.failedJob(identity);
  clock.advance(40_000);
  const [node] = await sessions.records();
  expect(node).toMatchObject({ nodeId: one.nodeId, publicKey: identity.identityPublicKey, latencyTotalMs: 40, connectedMs: 40_000, computeContributed: 240, jobsServed: 1, jobsFailed: 1 });
  expect(await sessions.record(one.nodeId)).toEqual(node);
  await sessions.close();
  expect(records.nodes.get(one.nodeId)).toMatchObject({ connectedMs: 40_000, latencySamples: 2, computeContributed: 240, jobsServed: 1, jobsFailed: 1 });
  expect(errors).toEqual([]);
});

it('a record that cannot be written is reported, kept, and written by the next flush', async () => {
  const { clock, records, sessions, tab, errors } = setup();
  const one = tab(1).greet();
  one.session.measured(10);
  records.failing = true;
  clock.advance(RECORD_FLUSH_MS);
  await new Promise(setImmediate);
  expect(errors).toHaveLength(1);
  records.failing = false;
  clock.advance(RECORD_FLUSH_MS);
  await sessions.close();
  expect(records.nodes.get(one.nodeId)).toMatchObject({ latencySamples: 1, connectedMs: 2 * RECORD_FLUSH_MS });
  expect(clock.pending).toBe(0);
});
