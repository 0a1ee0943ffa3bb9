import * as v from 'valibot';
import type { Door } from '../../tests/support/network-question.ts';

const Trial = v.object({ key: v.string() });

/** A key of the coordinator at this address, with credits of its own. */
export async function openTrial(url: string): Promise<Door> {
  const response = await fetch(new URL('/v1/trial', url), { method: 'POST' });
  return { url, trialKey: v.parse(Trial, await response.json()).key };
}
