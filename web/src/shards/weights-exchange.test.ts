import { expect, it } from 'vitest';
import { equalBytes, toHex } from '@ciro/core/bytes.ts';
import { WEIGHTS_CHUNK_BYTES, WEIGHTS_WINDOW_CHUNKS } from '@ciro/core/protocol/limits.ts';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { decodeWeightsFrame, encodeWeightsFrame } from '@ciro/core/protocol/weights-frame.ts';
import { SignatureVerifier } from '../pipeline/device-signature.ts';
import { bytesOf, digest, MODEL, NETWORK, shardOf, Tab, TurningClock } from '../../../tests/support/weights-tab.ts';
import { DONE_AFTER_MS, MAX_COORDINATOR_FAILURES, REQUEST_BURST } from './shard-limits.ts';
import type { FakePort } from '../../../tests/support/weights-tab.ts';

const CHUNKS = 10;
const bytes = bytesOf((CHUNKS - 1) * WEIGHTS_CHUNK_BYTES + 77);
const shard = shardOf(bytes);
/** A coordinator that takes its time: others come first. */
const slowly = (clock: TurningClock) => async (range: Uint8Array<ArrayBuffer>): Promise<Response> => {
  await new Promise<void>((resolve) => void clock.after(2_000, resolve));
  return new Response(range, { status: 206 });
};
const never = (): Promise<Response> => new Promise(() => undefined);

async function setup(givers = 1) {
  const clock = new TurningClock();
  const taker = await Tab.open('a', clock);
  const load = (signal = new AbortController().signal): Promise<Uint8Array> => clock.result(taker.exchange.shard(MODEL, shard, signal, () => undefined));
  taker.files.shards.set(shard.sha256, bytes);
  const tabs = await Promise.all(Array.from({ length: givers }, (_, index) => Tab.open(String(index + 1), clock)));
  for (const tab of tabs) tab.cached.set(shard.sha256, bytes);
  taker.files.serve = slowly(clock);
  return { clock, taker, load, tabs, first: tabs[0] as Tab };
}

const answers = (port: FakePort): string[] => port.received.filter((each) => each instanceof Uint8Array).map((each) => decodeWeightsFrame(each)).map((frame) => (frame.kind === 'refusal' ? frame.code : frame.kind));
const request = (chunk: number, hash = shard.sha256): Uint8Array => encodeWeightsFrame({ kind: 'request', shard: hash, chunk });

it('D5: asks who holds what is fetched, takes chunks from both neighbours and the coordinator, and says when it needs nobody any more', async () => {
  const { clock, taker, load, tabs } = await setup(2);
  const loading = load();
  await clock.until('asked', () => taker.sent.length > 0);
  expect(taker.sent).toEqual([{ type: 'weights-wanted', modelId: MODEL, shards: [shard.sha256] }]);
  for (const tab of tabs) tab.givesTo(taker, [shard.sha256]);
  expect(equalBytes(await loading, bytes)).toBe(true);
  await clock.until('told of every byte', () => taker.moved.coordinator + taker.moved.neighbours === bytes.length);
  const { neighbours, from } = taker.moved;
  expect(from).toBe(2);
  await clock.until('counted', () => tabs.every(({ moved }) => moved.given > 0));
  expect(tabs.reduce((sum, { moved }) => sum + moved.given, 0)).toBeGreaterThanOrEqual(neighbours);
  await clock.until('done', () => taker.sent.length > 1);
  expect(taker.sent.at(-1)).toEqual({ type: 'weights-wanted', modelId: MODEL, shards: [] });
  expect(clock.now()).toBeGreaterThan(DONE_AFTER_MS);
});

it('without neighbours everything comes from the coordinator, chunk by chunk, and a shard of no whole number of them is right', async () => {
  const { taker, load } = await setup();
  expect(equalBytes(await load(), bytes)).toBe(true);
  expect(taker.files.ranges.map(({ from }) => from).toSorted((a, b) => a - b)).toEqual(Array.from({ length: CHUNKS }, (_, chunk) => chunk * WEIGHTS_CHUNK_BYTES));
});

it('D4: what was fetched before a download ended is checked and not fetched again', async () => {
  const { clock, taker, load } = await setup();
  let served = 0;
  taker.files.serve = async (range) => (++served > 5 ? never() : new Response(range, { status: 206 }));
  const stop = new AbortController();
  const loading = load(stop.signal);
  const ended = loading.catch((error: unknown) => error);
  await clock.until('half', () => taker.partials.kept.size === 5);
  stop.abort();
  expect(await ended).toMatchObject({ code: 'aborted', fault: 'abort' });
  // The disk spoilt one of the five.
  const [spoilt] = [...taker.partials.kept.keys()];
  taker.partials.kept.set(spoilt ?? '', bytesOf(WEIGHTS_CHUNK_BYTES, 9));
  const before = taker.files.ranges.length;
  taker.files.serve = async (range) => new Response(range, { status: 206 });
  expect(equalBytes(await load(), bytes)).toBe(true);
  expect(taker.files.ranges.length - before).toBe(CHUNKS - 4);
});

it('D8: a neighbour that signs for wrong bytes is shown to the coordinator with its signature, and asked no more', async () => {
  const { clock, taker, load, first } = await setup();
  const loading = load();
  await clock.until('asked', () => taker.sent.length > 0);
  const wrong = bytesOf(WEIGHTS_CHUNK_BYTES, 5);
  const wrongHash = toHex(await digest(wrong));
  const [near, far] = first.givesTo(taker, [shard.sha256]);
  far.hear = (data) => {
    const frame = decodeWeightsFrame(data as Uint8Array);
    void first.sign(chunkClaimBytes({ network: NETWORK, giver: first.nodeId, shard: shard.sha256, chunk: frame.chunk, sha256: wrongHash })).then((signature) => near.take(encodeWeightsFrame({ kind: 'chunk', shard: shard.sha256, chunk: frame.chunk, signature, bytes: wrong })));
    return undefined;
  };
  expect(equalBytes(await loading, bytes)).toBe(true);
  const bad = taker.sent.find((message) => message.type === 'weights-bad');
  expect(bad).toMatchObject({ giver: first.nodeId, modelId: MODEL, shard: shard.sha256, sha256: wrongHash });
  if (bad?.signature == null) throw new Error('no proof');
  expect(await new SignatureVerifier().verify(first.devicePublicKey, chunkClaimBytes({ network: NETWORK, giver: first.nodeId, shard: shard.sha256, chunk: bad.chunk, sha256: wrongHash }), bad.signature)).toBe(true);
  expect(taker.sent.filter(({ type }) => type === 'weights-bad')).toHaveLength(1);
  expect(taker.moved.neighbours).toBe(0);
});

it('D8: bytes that changed on the way are not used either, and prove nothing', async () => {
  const { clock, taker, load, first } = await setup();
  const loading = load();
  await clock.until('asked', () => taker.sent.length > 0);
  const [near] = first.givesTo(taker, [shard.sha256]);
  near.hear = (data) => Uint8Array.from(data as Uint8Array, (byte, index) => (index === 400 ? byte ^ 1 : byte));
  expect(equalBytes(await loading, bytes)).toBe(true);
  expect(taker.sent.find((message) => message.type === 'weights-bad')).toMatchObject({ giver: first.nodeId, signature: null });
});

it('a neighbour that falls silent, or whose link breaks, costs nothing but time', async () => {
  const { clock, taker, load, tabs } = await setup(2);
  const loading = load();
  await clock.until('asked', () => taker.sent.length > 0);
  const [silent, breaking] = tabs.map((tab) => tab.givesTo(taker, [shard.sha256])[0]);
  if (silent !== undefined) silent.hear = () => undefined;
  await clock.until('given', () => (breaking?.received.length ?? 0) > 2);
  taker.exchange.detach(tabs[1]?.nodeId ?? ('' as never));
  expect(equalBytes(await loading, bytes)).toBe(true);
});

it('D4: a list of chunks that is not the shard’s is found out: the caller is told, or given other bytes than the shard’s', async () => {
  const { taker, load } = await setup();
  taker.files.list = (list) => list.with(3, (list[3] ?? 0) ^ 1) as Uint8Array<ArrayBuffer>;
  await expect(load()).rejects.toMatchObject({ code: 'wrong-hash', fault: 'peer' });
  taker.files.list = (list) => list.slice(32) as Uint8Array<ArrayBuffer>;
  await expect(load()).rejects.toMatchObject({ code: 'wrong-length' });
});

it('a coordinator that is gone is asked a few times; without anybody else the download fails by name, with a neighbour it does not', async () => {
  const { taker, load, first } = await setup();
  taker.files.serve = () => Promise.reject(new TypeError('Failed to fetch'));
  await expect(load()).rejects.toMatchObject({ code: 'unreachable' });
  expect(taker.files.ranges.length).toBeGreaterThanOrEqual(MAX_COORDINATOR_FAILURES);
  first.givesTo(taker, [shard.sha256]);
  expect(equalBytes(await load(), bytes)).toBe(true);
});

it('D7: who asks for what is not there is refused by name, and others are served all the same', async () => {
  const { clock, taker, first } = await setup();
  const [near] = first.givesTo(taker, []);
  const loaded = new Set<string>();
  near.postMessage(request(0, 'ee'.repeat(32)));
  near.postMessage(request(CHUNKS));
  near.postMessage(request(2 ** 32 - 1));
  near.postMessage(request(CHUNKS - 1));
  await clock.until('answered', () => near.received.length === 4);
  for (const answer of answers(near)) loaded.add(answer);
  expect(answers(near)).toEqual(['unknown-shard', 'out-of-range', 'out-of-range', 'chunk']);
});

it('D7: more requests than may wait are refused, a flood ends the link, and another neighbour does not notice', async () => {
  const { clock, taker, first } = await setup();
  const other = await Tab.open('c', clock);
  const [flooding] = first.givesTo(taker, []);
  const [fair] = first.givesTo(other, []);
  for (let count = 0; count < 4 * REQUEST_BURST; count++) flooding.postMessage(request(count % CHUNKS));
  fair.postMessage(request(1));
  await clock.until('cut', () => flooding.received.includes(null));
  await clock.until('served', () => answers(fair).length === 1);
  expect(answers(fair)).toEqual(['chunk']);
  expect(answers(flooding).filter((answer) => answer === 'too-many').length).toBeGreaterThanOrEqual(REQUEST_BURST - 2 * WEIGHTS_WINDOW_CHUNKS);
  expect(answers(flooding).length).toBeLessThanOrEqual(REQUEST_BURST);
});

it('D7: while a job is computed nothing is given, what waited is refused as busy, and afterwards it goes on', async () => {
  const { clock, taker, load, first } = await setup();
  taker.files.serve = never;
  first.busy = true;
  const loading = load();
  await clock.until('asked', () => taker.sent.length > 0);
  const [near] = first.givesTo(taker, [shard.sha256]);
  await clock.until('refused', () => answers(near).length >= 4);
  expect(new Set(answers(near))).toEqual(new Set(['busy']));
  expect(first.moved.given).toBe(0);
  first.busy = false;
  taker.files.serve = slowly(clock);
  expect(equalBytes(await loading, bytes)).toBe(true);
  expect(answers(near)).toContain('chunk');
});

it('a cached shard that the disk changed is never given or signed', async () => {
  const { clock, taker, first } = await setup();
  first.cached.set(shard.sha256, bytesOf(bytes.length, 3));
  const [near] = first.givesTo(taker, []);
  near.postMessage(request(0));
  await clock.until('answered', () => near.received.length === 1);
  expect(answers(near)).toEqual(['unknown-shard']);
});

it('D6: what is no frame of a weights link ends it', async () => {
  const { clock, taker, first } = await setup();
  const [near] = first.givesTo(taker, [shard.sha256]);
  near.postMessage(Uint8Array.of(1, 2, 3));
  await clock.until('closed', () => near.received.length > 0);
  expect(near.received).toEqual([null]);
});
