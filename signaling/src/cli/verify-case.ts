import { judgeCase } from '@ciro/core/dispute/judge-case.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { showWaiting } from './progress.ts';
import { readSource } from './read-source.ts';
import { findModelFile, openVerifyModel } from './verify-model.ts';
import { ReferenceRecompute } from './verify-recompute.ts';
import type { JudgePorts } from '@ciro/core/dispute/judge-case.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { CaseOptions } from './verify-options.ts';

/**
 * What a case is judged by here: signatures, and this machine's own model file. A file whose hash, layout or published calibration is not the
 * manifest's is no judge: a coordinator may make up a manifest with tolerances that convict anybody.
 */
export function judgePorts(model: string | undefined, onStep: (what: string) => void, signal: AbortSignal): JudgePorts {
  return {
    verifySignature,
    async recompute(manifest) {
      const path = await findModelFile(manifest, model, signal);
      const opened = path === undefined ? undefined : await openVerifyModel(path, manifest, signal);
      return opened?.check.state === 'ok' ? new ReferenceRecompute(manifest, opened.path, { signal, onStep }) : undefined;
    },
  };
}

/** Judges a case file (SPEC Q2): verified is one that stands. */
export async function verifyCaseOf({ source, model }: CaseOptions, signal: AbortSignal): Promise<Report> {
  const value = await readSource(source, signal);
  using waiting = showWaiting();
  return (await judgeCase(value, judgePorts(model, (what) => waiting.say(`computing the stage again: ${what}`), signal))).report;
}
