import { describe, expect, it } from 'vitest';
import { parsePolicy } from './policy.ts';
import { Quotas } from './quotas.ts';
import { POLICY } from './service.fixture.ts';
import { WindowCounter } from './window-counter.ts';

const DAY_MS = 86_400_000;
const LIMIT = 10n ** 18n;

function setup(spent?: { day: number; fri: bigint }) {
  const time = { now: 10 * DAY_MS };
  const kept: unknown[] = [];
  const quotas = new Quotas(parsePolicy({ ...POLICY, actionsPerAddressPerDay: 2 }), { now: () => time.now, onSpent: (spend) => kept.push(spend), ...(spent && { spent }) });
  return { time, kept, quotas };
}

describe('Quotas', () => {
  it('lets the last fri of the day be put aside, and none after it', () => {
    const { quotas } = setup();
    quotas.reserve('0x1', LIMIT - 1n);
    expect(() => quotas.reserve('0x2', 2n)).toThrow(expect.objectContaining({ code: 'daily-stop' }));
    quotas.reserve('0x2', 1n);
    expect(() => quotas.check('0x3')).toThrow(expect.objectContaining({ code: 'daily-stop' }));
  });

  it('gives back what was never sent, and counts what was once', () => {
    const { quotas, kept } = setup();
    const unsent = quotas.reserve('0x1', LIMIT);
    unsent.release();
    unsent.settle(5n);
    expect(quotas.today).toEqual({ spent: 0n, reserved: 0n });
    const sent = quotas.reserve('0x1', LIMIT);
    sent.settle(7n);
    sent.settle(7n);
    sent.release();
    expect(quotas.today).toEqual({ spent: 7n, reserved: 0n });
    expect(kept).toEqual([{ day: 10, fri: 7n }]);
    quotas.reserve('0x1', 1n).settle(1n);
    expect(() => quotas.reserve('0x1', 1n)).toThrow(expect.objectContaining({ code: 'address-quota' }));
  });

  it('begins anew at midnight; what was under way then is not lost', () => {
    const { quotas, time } = setup();
    const late = quotas.reserve('0x1', LIMIT);
    time.now += DAY_MS;
    expect(quotas.today).toEqual({ spent: 0n, reserved: 0n });
    late.settle(3n);
    expect(quotas.today).toEqual({ spent: 3n, reserved: 0n });
  });

  it('remembers over a restart what the day has cost, and nothing of another day', () => {
    expect(setup({ day: 10, fri: 9n }).quotas.today.spent).toBe(9n);
    expect(setup({ day: 9, fri: 9n }).quotas.today.spent).toBe(0n);
  });

  it('refuses who it cannot remember, so that nobody is forgotten for somebody new', () => {
    const counter = new WindowCounter(1, 1_000, { now: () => 5_500, maxKeys: 2 });
    expect([counter.take('a'), counter.take('b'), counter.take('c'), counter.take('a')]).toEqual([true, true, false, false]);
    expect(counter.turnsInMs).toBe(500);
    expect(counter.size).toBe(2);
  });
});
