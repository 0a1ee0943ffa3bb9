import { LINE_PROBE_DOWN_BYTES, LINE_PROBE_UP_BYTES, MAX_LINE_BYTES_PER_MS, MIN_LINE_BYTES_PER_MS } from '@ciro/core/protocol/limits.ts';
import type { LineRates } from '@ciro/core/protocol/measured.ts';

/** Each direction is given up after this, with what is known by then: a line on which that is not enough is slow, and has other things to do. */
export const LINE_PROBE_MS = 1_000;
/** Of what comes, the first part is left out: a connection begins slowly whatever the line. */
const UNTIMED_BYTES = 64 * 1024;
/** Sent ahead of the rest: it takes a round trip, too, and so does the rest. */
const UP_FIRST_BYTES = 16 * 1024;
/** Less time than this says nothing but that the clock is coarse. */
const LEAST_MS = 1;

/** What a probe needs; `base`: the coordinator's URL, ending in a slash. */
export interface LineProbePorts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  now(): number;
  readonly base: string;
}

/**
 * Rates of the line to the coordinator, by a few hundred kilobytes that it makes up and throws away (SPEC W3). What a short probe finds is a lower bound: long fetches get faster.
 * Null for a direction that could not be measured. `down` false: only up, where fetches have shown the rest.
 */
export async function probeLine({ down }: { readonly down: boolean }, ports: LineProbePorts): Promise<LineRates> {
  const downBytesPerMs = down ? await probeDown(ports).catch(() => undefined) : undefined;
  const upBytesPerMs = await probeUp(ports).catch(() => undefined);
  return { downBytesPerMs: rateOf(downBytesPerMs), upBytesPerMs: rateOf(upBytesPerMs) };
}

const rateOf = (bytesPerMs: number | undefined): number | null => (bytesPerMs === undefined || !(bytesPerMs >= MIN_LINE_BYTES_PER_MS) ? null : Math.min(bytesPerMs, MAX_LINE_BYTES_PER_MS));

async function probeDown({ fetch, now, base }: LineProbePorts): Promise<number | undefined> {
  const begun = now();
  let [bytes, at] = [0, begun];
  let timed: { readonly bytes: number; readonly at: number } | undefined;
  try {
    const response = await fetch(`${base}line/${LINE_PROBE_DOWN_BYTES}`, { cache: 'no-store', signal: AbortSignal.timeout(LINE_PROBE_MS) });
    if (!response.ok || response.body === null) return undefined;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      [bytes, at] = [bytes + part.value.length, now()];
      if (timed === undefined && bytes >= UNTIMED_BYTES) timed = { bytes, at };
    }
  } catch {
    // Its time is over: what came until then is a measurement, too.
  }
  if (timed !== undefined && at - timed.at >= LEAST_MS) return (bytes - timed.bytes) / (at - timed.at);
  return bytes < UP_FIRST_BYTES ? undefined : bytes / Math.max(LEAST_MS, at - begun);
}

async function probeUp(ports: LineProbePorts): Promise<number | undefined> {
  const rest = LINE_PROBE_UP_BYTES - UP_FIRST_BYTES;
  const firstMs = await post(UP_FIRST_BYTES, ports);
  if (firstMs === undefined) return undefined;
  const restMs = await post(rest, ports);
  if (restMs === undefined) return UP_FIRST_BYTES / Math.max(LEAST_MS, firstMs);
  return restMs - firstMs >= LEAST_MS ? (rest - UP_FIRST_BYTES) / (restMs - firstMs) : rest / Math.max(LEAST_MS, restMs);
}

/** Milliseconds until so many bytes were taken; undefined when they were not in time, or refused. */
async function post(bytes: number, { fetch, now, base }: LineProbePorts): Promise<number | undefined> {
  const body = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)));
  const begun = now();
  try {
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await fetch(`${base}line`, { method: 'POST', headers, body: new Blob([body, body.subarray(0, bytes - body.length)]), cache: 'no-store', signal: AbortSignal.timeout(LINE_PROBE_MS) });
    return response.ok ? now() - begun : undefined;
  } catch {
    return undefined;
  }
}
