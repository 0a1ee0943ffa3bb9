import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '@ciro/core/bytes.ts';
import { WEIGHTS_CHUNK_BYTES } from '@ciro/core/protocol/limits.ts';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { generateCoordinatorKey } from '../keys/coordinator-key.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { COMPLAINTS_BELIEVED, MAX_GIVES, UNREACHABLE_MS, WANTED_BURST, WEIGHTS_LINK_MS, WEIGHTS_OPEN_MS } from './weights-limits.ts';
import { WeightsDesk } from './weights-desk.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { WorkMessage, Worker } from '../sessions/worker.ts';
import type { Holder } from './weights-desk.ts';

const NETWORK = 'ciro-test';
const MODEL = 'ab'.repeat(32) as HexHash;
const node = (index: number): NodeId => index.toString(16).padStart(40, '0') as NodeId;
const hashOf = (name: string): HexHash => createHash('sha256').update(name).digest('hex') as HexHash;
const NAMES = ['embedding', 'layer-0', 'layer-1', 'layer-2', 'layer-3', 'head'];
const MANIFEST = {
  architecture: { layers: 4, tiedHead: true },
  shards: NAMES.map((name) => ({ name, sha256: hashOf(name), bytes: 1_000 })),
} as unknown as ModelManifest;
const CHUNK = new Uint8Array(WEIGHTS_CHUNK_BYTES).fill(1);
const RIGHT = createHash('sha256').update(CHUNK).digest('hex') as HexHash;
const WRONG = hashOf('something else');
const [TAKER, ONE, TWO, THREE, FOUR] = [1, 2, 3, 4, 5].map(node) as [NodeId, NodeId, NodeId, NodeId, NodeId];

let key: Awaited<ReturnType<typeof generateCoordinatorKey>>;
beforeAll(async () => {
  // A device key is one of the same kind.
  key = await generateCoordinatorKey();
});

function setup(holders: (Partial<Holder> & { readonly worker: NodeId; readonly layers: ReadonlySet<number> })[] = []) {
  const clock = new VirtualClock();
  const sent: [NodeId, CoordinatorMessage][] = [];
  const offences: string[] = [];
  const relay: string[] = [];
  const hidden = new Set<NodeId>();
  const frozen = new Set<NodeId>();
  const observers: WorkerObserver[] = [];
  const mayShare = (a: NodeId, b: NodeId): boolean => !hidden.has(a) && !hidden.has(b);
  const desk = new WeightsDesk({
    clock,
    network: NETWORK,
    workers: {
      worker: (nodeId) => ({ nodeId, devicePublicKey: key.publicKey, mayFreeze: frozen.has(nodeId) }) as Worker,
      observe: (observer) => void observers.push(observer),
      send: (to, message) => void sent.push([to, message]),
      offend: (nodeId, _offence, code) => void offences.push(`${Number.parseInt(nodeId, 16)} ${code}`),
    },
    relay: { mayShare, openForWeights: (link, a, b) => mayShare(a, b) && relay.push(`${link}: ${Number.parseInt(a, 16)} from ${Number.parseInt(b, 16)}`) > 0, close: (link) => void relay.push(`${link} closed`) },
    models: { manifest: (id) => (id === MODEL ? MANIFEST : undefined), chunkHashes: async () => new Uint8Array(Buffer.from(RIGHT, 'hex')), publicUrl: () => undefined },
    holders: () => holders.map((holder) => ({ computes: false, ...holder })),
    verify: verifySignature,
    onError: (error) => {
      throw error;
    },
  });
  const say = (from: NodeId, message: WorkMessage): void => observers.forEach((observer) => observer.message?.(from, message));
  const want = (from: NodeId, ...names: string[]): void => say(from, { type: 'weights-wanted', modelId: MODEL, shards: names.map(hashOf) });
  const link = (from: NodeId, name: string, state: 'open' | 'closed' | 'failed'): void => say(from, { type: 'link', link: name, peer: ONE, state, route: 'direct', rttMs: 1 });
  const meet = (taker: NodeId, giver: NodeId, name: string): void => [taker, giver].forEach((end) => link(end, name, 'open'));
  const givers = () => sent.flatMap(([, message]) => (message.type === 'weights-givers' ? [message.givers.map(({ peer, shards }) => `${Number.parseInt(peer, 16)}: ${shards.map((shard) => NAMES.find((name) => hashOf(name) === shard)).join(' ')}`)] : []));
  return { clock, sent, offences, relay, hidden, frozen, desk, say, want, link, meet, givers, left: (who: NodeId) => observers.forEach((observer) => observer.left?.(who, 'gone', false)) };
}

const all = new Set([0, 1, 2, 3]);
const bad = (giver: NodeId, sha256: HexHash, signature: string | null) => ({ type: 'weights-bad', giver, modelId: MODEL, shard: hashOf('layer-1'), chunk: 0, sha256, signature }) as const;
const signed = (giver: NodeId, sha256: string) => key.sign(chunkClaimBytes({ network: NETWORK, giver, shard: hashOf('layer-1'), chunk: 0, sha256 }));
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('WeightsDesk', () => {
  it('D5: names who holds what is wanted, what it holds of it, and joins the two; first and last layers come with embedding and head', () => {
    const { want, relay, givers, sent } = setup([{ worker: ONE, layers: new Set([0, 1]) }, { worker: TWO, layers: new Set([3]) }, { worker: TAKER, layers: all }]);
    want(TAKER, 'embedding', 'layer-1', 'layer-3', 'head');
    expect(givers()).toEqual([['3: embedding layer-3 head', '2: embedding layer-1']]);
    expect(relay).toEqual(['weights-1: 1 from 3', 'weights-2: 1 from 2']);
    expect(sent[0]?.[1]).toMatchObject({ modelId: MODEL, publicUrl: null, givers: [{ devicePublicKey: key.publicKey }, {}] });
  });

  it('D5: at most three, idle ones first, and nobody gives to more than two at a time', () => {
    const four = [ONE, TWO, THREE, FOUR].map((worker, index) => ({ worker, layers: all, computes: index === 0 }));
    const { want, givers, relay } = setup(four);
    for (const taker of [10, 11, 12]) want(node(taker), 'layer-1');
    expect(givers().map((each) => each.map((giver) => giver[0]))).toEqual([['3', '4', '5'], ['3', '4', '5'], ['2']]);
    expect(relay).toHaveLength(3 * MAX_GIVES + 1);
  });

  it('L5, G5: who hides its address neither gives nor takes, and a hidden page of a phone does not give', () => {
    const { want, givers, hidden, frozen, relay } = setup([ONE, TWO, THREE].map((worker) => ({ worker, layers: all })));
    hidden.add(ONE);
    frozen.add(TWO);
    want(TAKER, 'layer-1');
    hidden.add(TAKER);
    want(TAKER, 'layer-1');
    expect(givers()).toEqual([['4: layer-1'], []]);
    expect(relay).toEqual(['weights-1: 1 from 4', 'weights-1 closed']);
  });

  it('asking again keeps the links that serve, and asking for nothing ends them', () => {
    const holders = [{ worker: ONE, layers: all }];
    const { want, relay, meet, desk } = setup(holders);
    want(TAKER, 'layer-1');
    meet(TAKER, ONE, 'weights-1');
    holders.push({ worker: TWO, layers: all });
    want(TAKER, 'layer-1');
    expect(relay).toEqual(['weights-1: 1 from 2', 'weights-2: 1 from 3']);
    want(TAKER);
    expect(relay.slice(2)).toEqual(['weights-1 closed', 'weights-2 closed']);
    expect(desk.size).toBe(0);
  });

  it('links end: of those that do not open, fail, last too long, or whose end leaves; and who could not meet is not joined again for a while', () => {
    const { want, relay, clock, link, meet, left, desk } = setup([{ worker: ONE, layers: all }]);
    want(TAKER, 'layer-1');
    clock.advance(WEIGHTS_OPEN_MS);
    expect(relay.at(-1)).toBe('weights-1 closed');
    want(TAKER, 'layer-1');
    expect(relay).toHaveLength(2);
    clock.advance(UNREACHABLE_MS);
    want(TAKER, 'layer-1');
    link(ONE, 'weights-2', 'failed');
    expect(relay.slice(2)).toEqual(['weights-2: 1 from 2', 'weights-2 closed']);
    clock.advance(UNREACHABLE_MS);
    want(TAKER, 'layer-1');
    meet(TAKER, ONE, 'weights-3');
    link(TAKER, 'weights-3', 'closed');
    want(TAKER, 'layer-1');
    meet(TAKER, ONE, 'weights-4');
    clock.advance(WEIGHTS_LINK_MS - 1);
    meet(TAKER, ONE, 'weights-4');
    clock.advance(1);
    want(TAKER, 'layer-1');
    left(ONE);
    expect(relay.slice(4)).toEqual([3, 4, 5].flatMap((number) => [`weights-${number}: 1 from 2`, `weights-${number} closed`]));
    expect([desk.size, clock.pending]).toEqual([0, 0]);
  });

  it('what is not a request of an honest tab is refused by name and joins nobody', () => {
    const { want, say, offences, relay, link } = setup([{ worker: ONE, layers: all }]);
    say(TAKER, { type: 'weights-wanted', modelId: 'cd'.repeat(32) as HexHash, shards: [] });
    want(TAKER, 'layer-9');
    want(TWO, 'layer-1');
    link(TAKER, 'weights-1', 'open');
    say(TAKER, bad(ONE, WRONG, null));
    for (let count = 0; count < WANTED_BURST; count++) want(THREE);
    want(THREE, 'layer-1');
    expect(offences).toEqual(['1 unknown-model', '1 unknown-shard', '1 foreign-link', '1 never-met', '4 weights-too-often']);
    expect(relay).toEqual(['weights-1: 3 from 2']);
  });

  it('D8: who signed for wrong bytes is scored, cut off, and gives to nobody any more', async () => {
    const { want, say, meet, offences, relay, givers } = setup([{ worker: ONE, layers: all }]);
    want(TAKER, 'layer-1');
    meet(TAKER, ONE, 'weights-1');
    say(TAKER, bad(ONE, WRONG, await signed(ONE, WRONG)));
    expect(relay.at(-1)).toBe('weights-1 closed');
    await expect.poll(() => offences).toEqual(['2 weights-forged']);
    want(TWO, 'layer-1');
    expect(givers().at(-1)).toEqual([]);
  });

  it('D8: a complaint without proof, or one that proves nothing, costs the giver nothing but that link; enough of them, from different tabs, end its giving', async () => {
    const { want, say, meet, offences, givers } = setup([{ worker: ONE, layers: all }]);
    const complaints = [null, await signed(ONE, RIGHT).then((signature) => signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))), await signed(TWO, WRONG)];
    expect(complaints).toHaveLength(COMPLAINTS_BELIEVED);
    for (const [index, signature] of complaints.entries()) {
      const taker = node(20 + index);
      want(taker, 'layer-1');
      expect(givers().at(-1)).toEqual(['2: layer-1']);
      meet(taker, ONE, `weights-${index + 1}`);
      say(taker, bad(ONE, WRONG, signature));
      // The same tab says it twice.
      say(taker, bad(ONE, WRONG, signature));
    }
    await settled();
    expect(offences).toEqual([]);
    want(TAKER, 'layer-1');
    expect(givers().at(-1)).toEqual([]);
  });

  it('D8: who accuses a giver of the right bytes is scored itself', async () => {
    const { want, say, meet, offences } = setup([{ worker: ONE, layers: all }]);
    want(TAKER, 'layer-1');
    meet(TAKER, ONE, 'weights-1');
    say(TAKER, bad(ONE, RIGHT, await signed(ONE, RIGHT)));
    await expect.poll(() => offences).toEqual(['1 chunk-is-right']);
    expect(toHex(new Uint8Array(Buffer.from(RIGHT, 'hex')))).toBe(RIGHT);
  });
});
