import type { Check, Report } from '@ciro/core/evidence/report.ts';

/** What this browser knows of its own question: the evidence has to agree with it. */
export interface OwnWords {
  readonly request: object;
  readonly answerText: string;
}

/** Where the check of one answer in this tab is. */
export type Proof =
  | { readonly state: 'checking' }
  | { readonly state: 'done'; readonly report: Report }
  | { readonly state: 'unavailable'; readonly why: string };

/**
 * Checks the evidence of an answer in this tab, with what was asked and shown here (SPEC B4). The code for it is loaded at the
 * first check. Never throws for what is in the evidence.
 *
 * @param earlier evidence of the jobs of this answer before this one, the first one first
 */
export async function proofOf(body: unknown, own: OwnWords, earlier: readonly unknown[] = []): Promise<Report> {
  const [{ verifyAnswer }, { webSignatures }] = await Promise.all([import('@ciro/core/evidence/verify-answer.ts'), import('./web-signature.ts')]);
  const fields = typeof body === 'object' && body !== null ? body : {};
  const file = { ...fields, request: own.request, answer_text: own.answerText, ...(earlier.length === 0 ? {} : { earlier }) };
  return verifyAnswer(file, { verifySignature: webSignatures(crypto.subtle) });
}

/** Checks by their outcome, for a summary. */
export function countChecks(checks: readonly Check[]): { readonly ok: number; readonly failed: number; readonly open: number } {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  return { ok: count('ok'), failed: count('failed'), open: count('not checked') };
}
