import { openReferenceHead, REFERENCE_CHUNK_TOKENS } from './reference-run.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { BoundaryRows, ReferenceHead } from './reference-run.ts';

/** The head of the default model takes 3 ms a position, and its logits 200 kB: a part of the measured positions is enough. */
const LOGIT_POSITIONS = 128;

/** An honest run's final-norm rows, and how many go through the head at once. */
export interface OtherRun {
  readonly rows: BoundaryRows;
  readonly chunk: number;
}

/** Largest difference of any logit between the reference and the other runs, and the root mean square of the reference's logits. */
export async function measureLogits(manifest: ModelManifest, readShard: (name: string) => Promise<Uint8Array>, reference: BoundaryRows, others: readonly OtherRun[]): Promise<{ difference: number; rms: number }> {
  const { hidden } = manifest.architecture;
  const head = await openReferenceHead(manifest, readShard);
  // The sequences measured in full come first; those of one position follow while the budget lasts.
  const order = reference.map((_, index) => index).sort((a, b) => (reference[b]?.length ?? 0) - (reference[a]?.length ?? 0) || a - b);
  let [difference, squares, count, left] = [0, 0, 0, LOGIT_POSITIONS];
  for (const index of order) {
    const rows = reference[index]?.subarray(0, left * hidden) ?? new Float32Array();
    if (rows.length === 0) break;
    left -= rows.length / hidden;
    const expected = await logitsOf(head, rows, hidden, REFERENCE_CHUNK_TOKENS);
    for (const logit of expected) squares += logit * logit;
    count += expected.length;
    for (const other of others) {
      const given = await logitsOf(head, other.rows[index]?.subarray(0, rows.length) ?? new Float32Array(), hidden, other.chunk);
      given.forEach((logit, at) => {
        difference = Math.max(difference, Math.abs(logit - (expected[at] ?? NaN)));
      });
    }
  }
  await head.release();
  return { difference, rms: count === 0 ? 0 : Math.sqrt(squares / count) };
}

async function logitsOf(head: ReferenceHead, rows: Float32Array, hidden: number, chunk: number): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let at = 0; at < rows.length; at += chunk * hidden) parts.push(await head.logits(rows.slice(at, at + chunk * hidden)));
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
