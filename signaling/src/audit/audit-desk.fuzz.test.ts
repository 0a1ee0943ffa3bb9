import { expect, it } from 'vitest';
import type { WorkMessage } from '../sessions/worker.ts';
import { nodeId } from '../scheduler/workers.fixture.ts';
import { AUDIT_LOAD_MS } from './audit-limits.ts';
import { AuditNetwork } from './audit-network.fixture.ts';

const RUNS = 12;

/** mulberry32: small, seedable, good enough to be hostile. */
function randomSource(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Some other message than the one that was to be said: dropped, doubled later, cut, renamed, or with a bit turned. */
function spoilt(message: WorkMessage, random: (below: number) => number): WorkMessage | undefined {
  const hex = (text: string): string => text.replace(/./, (digit) => (digit === 'a' ? 'b' : 'a'));
  switch (message.type) {
    case 'piece': {
      const { bytes, offset, total, unit } = message;
      const ways = [undefined, { ...message, bytes: bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte)) }, { ...message, unit: unit + random(3) }, { ...message, offset: offset + random(9) }, { ...message, total: total + random(9) }, { ...message, side: (['input', 'payload', 'rows'] as const)[random(3)] ?? 'rows' }];
      return ways[random(ways.length)];
    }
    case 'nonce':
      return [undefined, { ...message, nonce: hex(message.nonce) }, { ...message, signature: hex(message.signature) }, { ...message, version: 9 }][random(4)];
    case 'audit-blind':
      return [undefined, { ...message, signature: hex(message.signature) }, { type: 'audit-refused', audit: message.audit, code: 'x', message: 'x' } as const][random(3)];
    case 'audit-opened':
      return [undefined, { ...message, salt: hex(message.salt) }, { ...message, rows: [...message.rows, ...message.rows] }, { ...message, ids: { checked: random(99), ambiguous: random(99), wrong: [] } }][random(4)];
    default:
      return message;
  }
}

it('whatever hostile tabs say, nobody honest is convicted, the cheat is not paid, and every job comes to an end', async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = randomSource(seed);
    const network = await AuditNetwork.make(7);
    const desk = network.desk();
    const cheat = (stage: number, _: number, row: Float32Array) => (stage === 1 ? row.map((value) => Math.round(value * 128) / 128) : row);
    const [honest, cheated] = [network.play(1, { by: [1, 2] }), network.play(2, { by: [3, 4], cheat })];
    // Tabs 2, 4 and 5 are hostile: one message in four is not what it should be.
    for (const n of [2, 4, 5]) {
      const tab = network.tab(n);
      tab.word = (message) => {
        if (random(4) !== 0) return message;
        if (random(3) === 0) setImmediate(() => tab.say(message));
        return spoilt(message, random);
      };
    }
    const results = Promise.all([network.audit(desk, honest), network.audit(desk, cheated)]);
    if (random(2) === 0) {
      await network.quiet();
      network.leave(nodeId(5));
    }
    let over = false;
    void results.then(() => (over = true));
    for (let minutes = 0; !over && minutes < 40; minutes++) await network.pass(AUDIT_LOAD_MS / 4);
    const [one, two] = await results;
    const seeded = { seed, offences: network.offences.length };
    expect({ ...seeded, errors: network.errors, honest: one.stages[0]?.status }).toEqual({ ...seeded, errors: [], honest: 'passed' });
    // A hostile worker may lose its own pay by what it says, never its honest neighbour's, and never its place.
    expect({ ...seeded, second: one.stages[1]?.status }).not.toMatchObject({ second: 'failed' });
    expect({ ...seeded, statuses: two.stages.map(({ status }) => status) }).toEqual({ ...seeded, statuses: ['passed', expect.stringMatching(/^(failed|unpaid)$/)] });
    expect({ ...seeded, demoted: [1, 2, 3, 5, 6, 7].filter((n) => network.standings.isDemoted(nodeId(n))) }).toEqual({ ...seeded, demoted: [] });
    await desk.close();
    expect({ ...seeded, pending: network.clock.pending }).toEqual({ ...seeded, pending: 0 });
  }
});
