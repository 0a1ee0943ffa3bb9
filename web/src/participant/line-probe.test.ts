import { expect, it } from 'vitest';
import { LINE_PROBE_DOWN_BYTES, LINE_PROBE_UP_BYTES, MAX_LINE_BYTES_PER_MS } from '@ciro/core/protocol/limits.ts';
import { probeLine } from './line-probe.ts';

/** A line with a round trip and rates, on a clock of its own; parts of 16 KiB, the first four of them slow. */
function line({ rttMs, down, up, refuses = false, breaksAfter = Number.POSITIVE_INFINITY }: { rttMs: number; down: number; up: number; refuses?: boolean; breaksAfter?: number }) {
  let now = 0;
  const asked: { readonly url: string; readonly bytes: number }[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const sent = init.body instanceof Blob ? init.body.size : 0;
    const wanted = Number(/\/line\/(\d+)$/.exec(url)?.[1] ?? 0);
    asked.push({ url, bytes: sent + wanted });
    if (refuses) return new Response(null, { status: 429 });
    now += rttMs + sent / up;
    if (wanted === 0) return now > 3_000 ? Promise.reject(new Error('over')) : new Response(null, { status: 204 });
    let given = 0;
    return new Response(new ReadableStream({
      pull: (to) => {
        if (given >= breaksAfter) return to.error(new Error('its time is over'));
        if (given >= wanted) return to.close();
        now += 16_384 / (given < 65_536 ? down / 10 : down);
        given += 16_384;
        to.enqueue(new Uint8Array(16_384));
      },
    }, { highWaterMark: 0 }));
  };
  return { ports: { fetch, now: () => now, base: 'http://x/' }, asked };
}

it('W3: a line is measured both ways, without its round trip and its slow beginning', async () => {
  const { ports, asked } = line({ rttMs: 80, down: 2_500, up: 1_250 });
  const { downBytesPerMs, upBytesPerMs } = await probeLine({ down: true }, ports);
  expect(downBytesPerMs).toBeCloseTo(2_500, 0);
  expect(upBytesPerMs).toBeCloseTo(1_250, 0);
  expect(asked.filter(({ url }) => url === 'http://x/line').reduce((sum, { bytes }) => sum + bytes, 0)).toBe(LINE_PROBE_UP_BYTES);
  expect(asked.filter(({ url }) => url !== 'http://x/line')).toEqual([{ url: `http://x/line/${LINE_PROBE_DOWN_BYTES}`, bytes: LINE_PROBE_DOWN_BYTES }]);
});

it('W3: where fetches showed the way down, only the way up is probed', async () => {
  const { ports, asked } = line({ rttMs: 5, down: 2_500, up: 500 });
  expect(await probeLine({ down: false }, ports)).toMatchObject({ downBytesPerMs: null, upBytesPerMs: expect.closeTo(500, 0) });
  expect(asked).toHaveLength(2);
});

it('W3: what came before its time was over counts; what was refused is no measurement, and no line is faster than can be told', async () => {
  expect((await probeLine({ down: true }, line({ rttMs: 5, down: 100, up: 500, breaksAfter: 131_072 }).ports)).downBytesPerMs).toBeCloseTo(100, 0);
  expect(await probeLine({ down: true }, line({ rttMs: 5, down: 100, up: 500, refuses: true }).ports)).toEqual({ downBytesPerMs: null, upBytesPerMs: null });
  const instant = await probeLine({ down: true }, line({ rttMs: 0, down: 1e12, up: 1e12 }).ports);
  expect(instant.downBytesPerMs).toBeLessThanOrEqual(MAX_LINE_BYTES_PER_MS);
  expect(instant.upBytesPerMs).toBeLessThanOrEqual(MAX_LINE_BYTES_PER_MS);
});
