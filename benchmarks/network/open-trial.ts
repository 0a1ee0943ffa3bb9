import * as v from 'valibot';
import type { Door } from '../../tests/support/network-question.ts';

const Trial = v.object({ key: v.string() });

/** A key of the coordinator at this URL, with credits of its own; `from`: as if asked for from that address, by a proxy on this machine. */
export async function openTrial(url: string, from?: string): Promise<Door> {
  const response = await fetch(new URL('/v1/trial', url), { method: 'POST', ...(from && { headers: { 'x-forwarded-for': from } }) });
  return { url, trialKey: v.parse(Trial, await response.json()).key };
}
