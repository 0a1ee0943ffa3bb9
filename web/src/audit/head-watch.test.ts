import { expect, test } from 'vitest';
import { toHex, utf8 } from '@ciro/core/bytes.ts';
import { canonicalJson } from '@ciro/core/canonical-json.ts';
import { GENESIS_HASH, sealEntry } from '@ciro/core/ledger/entry.ts';
import { headBytes, headOf, linksOf } from '@ciro/core/ledger/head.ts';
import { decodeFrame } from '@ciro/core/protocol/frame.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import { signWithDeviceKey, SignatureVerifier } from '../pipeline/device-signature.ts';
import { HEAD_CHECK_MS, HEAD_GOSSIP_MS, HEAD_MIN_INTERVAL_MS, LINKS_PAGE, MAX_CHECKED_LINKS, MAX_UNANSWERED } from './audit-limits.ts';
import { HeadWatch } from './head-watch.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { Alarm } from './alarm.ts';
import type { LinksAnswer } from './head-watch.ts';

const NETWORK = 'ciro-test';
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const keys = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
const stranger = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
const coordinatorPublicKey = toHex(new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)));
const peer = (digit: string): NodeId => digit.repeat(40) as NodeId;

/** A ledger of `length` entries; another `flavour` from entry `fork` on is another ledger. */
function ledgerOf(length: number, fork = Infinity, flavour = 'b'): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let sequence = 0; sequence < length; sequence++) {
    entries.push(sealEntry({ kind: 'issue', key: `${sequence >= fork ? flavour : 'a'}${sequence}`, job: null, at: sequence, lines: [] }, sequence, entries.at(-1)?.hash ?? GENESIS_HASH));
  }
  return entries;
}

async function headAt(ledger: readonly LedgerEntry[], sequence: number, network = NETWORK, key = keys): Promise<SignedHead> {
  const body = headOf(network, ledger[sequence] as LedgerEntry, 1_000 + sequence);
  return { body, signature: await signWithDeviceKey(key.privateKey, headBytes(body)) };
}

const TRUE_LEDGER = ledgerOf(60);
const OTHER_LEDGER = ledgerOf(60, 20);

function setup(change: { ledger?: readonly LedgerEntry[]; kept?: SignedHead; most?: number } = {}) {
  const scene = {
    now: 0,
    ledger: change.ledger ?? TRUE_LEDGER,
    answer: undefined as LinksAnswer | Error | undefined,
    asked: [] as [number, number][],
    frames: [] as { to: NodeId; head: SignedHead }[],
    keptHeads: [] as number[],
    alarms: [] as Extract<Alarm, { kind: 'forked-ledger' }>[],
    peers: [peer('1'), peer('2')],
  };
  const verifier = new SignatureVerifier();
  const watch = new HeadWatch(
    {
      identity: { network: NETWORK, coordinatorPublicKey },
      verify: (publicKey, bytes, signature) => verifier.verify(publicKey, bytes, signature),
      links: async (from, to) => {
        scene.asked.push([from, to]);
        if (scene.answer instanceof Error) throw scene.answer;
        return scene.answer ?? { links: linksOf(scene.ledger.slice(from + 1, Math.min(to + 1, from + 1 + (change.most ?? Infinity)))) };
      },
      sendFrame: (to, frame) => {
        const decoded = decodeFrame(frame);
        expect(decoded).toMatchObject({ kind: 'head', job: '0'.repeat(32), count: 0 });
        scene.frames.push({ to, head: parseAs(SignedHead, JSON.parse(new TextDecoder().decode(decoded.payload)), 'head') });
        return true;
      },
      peers: () => scene.peers,
      now: () => scene.now,
      keep: (head) => void scene.keptHeads.push(head.body.sequence),
      alarm: (alarm) => {
        if (alarm.kind === 'forked-ledger') scene.alarms.push(alarm);
      },
    },
    change.kept,
  );
  const say = async (head: SignedHead): Promise<void> => {
    scene.now += HEAD_CHECK_MS;
    await watch.fromCoordinator(head);
    await watch.settled();
  };
  const gossip = async (from: NodeId, head: unknown): Promise<void> => {
    scene.now += HEAD_CHECK_MS;
    await watch.fromNeighbour(from, utf8(canonicalJson(head)));
    await watch.settled();
  };
  return { watch, scene, say, gossip };
}

test('B1, B2: heads of one ledger follow each other without an alarm, and only what is new is asked for', async () => {
  const { scene, say, gossip } = setup();
  for (const sequence of [10, 14, 14, 30]) await say(await headAt(TRUE_LEDGER, sequence));
  await gossip(peer('1'), await headAt(TRUE_LEDGER, 33));
  expect(scene.asked).toEqual([[10, 14], [14, 30], [30, 33]]);
  // Older ones of a neighbour lie on the chain that is known.
  await gossip(peer('2'), await headAt(TRUE_LEDGER, 12));
  expect(scene.asked).toHaveLength(3);
  // One from before this tab came has to be asked for.
  await gossip(peer('2'), await headAt(TRUE_LEDGER, 4));
  expect(scene.asked.at(-1)).toEqual([4, 33]);
  expect(scene.alarms).toEqual([]);
  expect(scene.keptHeads).toEqual([10, 14, 30, 33]);
});

test('B2: two hashes for one sequence are an alarm with both signed heads as its proof', async () => {
  const { scene, say, gossip } = setup();
  const [mine, theirs] = [await headAt(TRUE_LEDGER, 30), await headAt(OTHER_LEDGER, 30)];
  await say(mine);
  await gossip(peer('1'), theirs);
  await gossip(peer('2'), theirs);
  expect(scene.alarms).toHaveLength(1);
  expect(scene.alarms[0]?.proof).toEqual({ coordinatorPublicKey, heads: [mine, theirs], links: null });
  expect(scene.asked).toEqual([]);
});

test.each([
  ['ahead', 25, 30],
  ['behind', 30, 25],
])('B2: a neighbour\'s head %s that no links lead to is an alarm, which names what the coordinator showed', async (_where, own, other) => {
  const { scene, say, gossip } = setup();
  await say(await headAt(TRUE_LEDGER, own));
  await gossip(peer('1'), await headAt(OTHER_LEDGER, other));
  expect(scene.alarms).toHaveLength(1);
  const { heads, links } = scene.alarms[0]?.proof ?? {};
  expect(heads?.map(({ body }) => body.sequence)).toEqual([25, 30]);
  expect(links?.problem).not.toBeNull();
  // The head that was right goes on being the one that others are held against.
  await say(await headAt(TRUE_LEDGER, 40));
  expect(scene.alarms).toHaveLength(1);
});

test('B2: a neighbour\'s older head that lies beside the known chain is an alarm without a question', async () => {
  const { scene, say, gossip } = setup();
  await say(await headAt(TRUE_LEDGER, 10));
  await say(await headAt(TRUE_LEDGER, 40));
  await gossip(peer('1'), await headAt(OTHER_LEDGER, 33));
  expect(scene.alarms).toHaveLength(1);
  expect(scene.asked).toEqual([[10, 40]]);
});

test('B2: a coordinator that does not show the links is caught; one that cannot be asked is asked again', async () => {
  const { scene, say } = setup();
  await say(await headAt(TRUE_LEDGER, 10));
  scene.answer = new Error('the network is down');
  await say(await headAt(TRUE_LEDGER, 14));
  expect(scene.alarms).toEqual([]);
  scene.answer = undefined;
  await say(await headAt(TRUE_LEDGER, 20));
  expect(scene.asked).toEqual([[10, 14], [10, 14], [14, 20]]);
  for (const answer of [{ refused: 'the coordinator answered 404' }, { links: [] }, { links: linksOf(OTHER_LEDGER.slice(21, 31)) }, { links: linksOf(TRUE_LEDGER.slice(21, 35)) }]) {
    const next = setup();
    await next.say(await headAt(TRUE_LEDGER, 20));
    next.scene.answer = answer;
    await next.say(await headAt(TRUE_LEDGER, 30));
    expect(next.scene.alarms).toHaveLength(1);
    expect(next.scene.keptHeads).toEqual([20]);
  }
});

test('B2: a coordinator that goes on signing heads and never answers for them is caught in the end', async () => {
  const { scene, say } = setup();
  scene.answer = new Error('the coordinator answered 503');
  for (let head = 0; head < MAX_UNANSWERED; head++) {
    expect(scene.alarms).toEqual([]);
    await say(await headAt(TRUE_LEDGER, 10 + head));
  }
  await say(await headAt(TRUE_LEDGER, 50));
  expect(scene.alarms).toMatchObject([{ proof: { links: { refused: expect.stringContaining('503') } } }]);
});

test('B2: the head of an earlier visit is held against the first one of this visit', async () => {
  const honest = setup({ kept: await headAt(TRUE_LEDGER, 22) });
  await honest.say(await headAt(TRUE_LEDGER, 50));
  expect(honest.scene.alarms).toEqual([]);
  expect(honest.scene.asked).toEqual([[22, 50]]);
  const forked = setup({ kept: await headAt(OTHER_LEDGER, 22) });
  await forked.say(await headAt(TRUE_LEDGER, 50));
  expect(forked.scene.alarms).toHaveLength(1);
  // One that this coordinator never signed proves nothing about it.
  const foreign = setup({ kept: await headAt(OTHER_LEDGER, 22, NETWORK, stranger) });
  await foreign.say(await headAt(TRUE_LEDGER, 50));
  expect(foreign.scene.alarms).toEqual([]);
});

test('B1: neighbours are told of a new head, not too often, and a new link at once', async () => {
  const { watch, scene } = setup();
  await watch.fromCoordinator(await headAt(TRUE_LEDGER, 10));
  expect(scene.frames.map(({ to }) => to)).toEqual([peer('1'), peer('2')]);
  scene.now += HEAD_GOSSIP_MS - 1;
  await watch.fromCoordinator(await headAt(TRUE_LEDGER, 11));
  expect(scene.frames).toHaveLength(2);
  scene.now += 1;
  await watch.fromCoordinator(await headAt(TRUE_LEDGER, 12));
  expect(scene.frames).toHaveLength(4);
  scene.peers.push(peer('3'));
  watch.greet(peer('3'));
  expect(scene.frames.at(-1)).toMatchObject({ to: peer('3'), head: { body: { sequence: 12 } } });
  await watch.settled();
});

test.each([
  ['another key\'s', async () => canonicalJson(await headAt(TRUE_LEDGER, 10, NETWORK, stranger))],
  ['another network\'s', async () => canonicalJson(await headAt(TRUE_LEDGER, 10, 'ciro-main'))],
  ['a changed', async () => canonicalJson({ ...(await headAt(TRUE_LEDGER, 10)), body: (await headAt(TRUE_LEDGER, 11)).body })],
  ['a surplus field\'s', async () => canonicalJson({ ...(await headAt(TRUE_LEDGER, 10)), more: 1 })],
  ['an endless', () => Promise.resolve(' '.repeat(2_000))],
  ['no', () => Promise.resolve('[')],
])('%s head from a neighbour is refused by name and changes nothing', async (_what, text) => {
  const { watch, scene, say } = setup();
  await expect(watch.fromNeighbour(peer('1'), utf8(await text()))).rejects.toMatchObject({ code: 'bad-head', fault: 'peer' });
  expect(scene.frames).toEqual([]);
  await say(await headAt(TRUE_LEDGER, 12));
  expect(scene.asked).toEqual([]);
});

test('a neighbour that floods heads is refused unread, and one that the coordinator did not sign from itself is no head', async () => {
  const { watch, scene } = setup();
  const head = utf8(canonicalJson(await headAt(TRUE_LEDGER, 10)));
  await watch.fromNeighbour(peer('1'), head);
  scene.now += HEAD_MIN_INTERVAL_MS - 1;
  await expect(watch.fromNeighbour(peer('1'), head)).rejects.toMatchObject({ code: 'bad-head' });
  await watch.fromNeighbour(peer('2'), head);
  await watch.fromCoordinator(await headAt(OTHER_LEDGER, 30, NETWORK, stranger));
  expect(scene.asked).toEqual([]);
});

test('links are asked for in pages, from where the last answer ended, and not at all beyond what is ever looked at', async () => {
  const long = ledgerOf(LINKS_PAGE + 300);
  const { scene, say } = setup({ ledger: long, most: 700 });
  await say(await headAt(long, 5));
  await say(await headAt(long, LINKS_PAGE + 250));
  expect(scene.asked).toEqual([[5, 5 + LINKS_PAGE], [705, LINKS_PAGE + 250]]);
  expect(scene.alarms).toEqual([]);
  const far = { body: { network: NETWORK, sequence: MAX_CHECKED_LINKS + LINKS_PAGE + 300, hash: long[3]?.hash as SignedHead['body']['hash'], at: 1 } };
  await say({ ...far, signature: await signWithDeviceKey(keys.privateKey, headBytes(far.body)) });
  expect(scene.asked).toHaveLength(2);
  expect(scene.keptHeads.at(-1)).toBe(far.body.sequence);
});
