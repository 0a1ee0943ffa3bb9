import { readFile, stat } from 'node:fs/promises';
import { CiroError } from '@ciro/core/errors.ts';
import { notChecked, reportOf } from '@ciro/core/evidence/report.ts';
import { parseEvidence, verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { usage } from './job-options.ts';
import { showWaiting } from './progress.ts';
import { findModelFile, openVerifyModel } from './verify-model.ts';
import { VERIFY_USAGE } from './verify-options.ts';
import type { RecomputePort } from '@ciro/core/evidence/recompute.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { VerifyModel } from './verify-model.ts';
import type { VerifyOptions } from './verify-options.ts';

/** Bytes of an evidence file: the pieces of 4,096 units of the default model, three stages and their auditors, in base64. */
const MAX_FILE_BYTES = 2 ** 30;

/** Checks an evidence file with what this machine has: the model file for text, and with `recompute` for the computation. */
export async function verifyFile(options: Omit<VerifyOptions, 'what'>, signal: AbortSignal): Promise<Report> {
  const value = await readJson(options.file);
  const parsed = parseEvidence(value);
  if (parsed.state === 'malformed') return reportOf([parsed.check]);
  const { manifest } = parsed.file;
  const model = await openModel(manifest, options, signal);
  if (model === undefined && options.recompute) throw usage(`--recompute needs the model file ${manifest.file.name} (SHA-256 ${manifest.file.sha256}), which is not in the cache: name it with --model`, VERIFY_USAGE);
  // A file that is not the manifest's has other text and other weights: what it gives would only confuse.
  const usable = model?.check.state === 'ok' ? model : undefined;
  using waiting = showWaiting();
  const onStep = (what: string): void => waiting.say(`computing the answer again: ${what}`);
  const report = await verifyAnswer(value, {
    verifySignature,
    ...(options.key === undefined ? {} : { coordinatorKey: options.key }),
    ...(usable === undefined ? {} : { text: usable.text }),
    ...(usable === undefined || !options.recompute ? {} : { recompute: await openRecompute(manifest, usable.path, { signal, onStep }) }),
  });
  return reportOf([...report.checks, model?.check ?? notChecked('model file', `${manifest.file.name} is not in the cache; name it with --model`)]);
}

async function readJson(file: string): Promise<unknown> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new RangeError(`it has ${size} bytes; at most ${MAX_FILE_BYTES} are read`);
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw usage(`${file} cannot be read as evidence: ${cause instanceof Error ? cause.message : String(cause)}`, VERIFY_USAGE);
  }
}

/** Undefined when there is no file. A file that was named and cannot be used is wrong usage; one in the cache is left alone. */
async function openModel(manifest: ModelManifest, options: Omit<VerifyOptions, 'what'>, signal: AbortSignal): Promise<VerifyModel | undefined> {
  const path = await findModelFile(manifest, options.model, signal);
  if (path === undefined) return undefined;
  try {
    return await openVerifyModel(path, manifest, signal);
  } catch (cause) {
    if (!(cause instanceof CiroError)) throw cause;
    if (options.model === undefined) return undefined;
    throw usage(cause.message, VERIFY_USAGE);
  }
}

/** The library behind it takes a moment to load, which most verifications need not wait for. */
async function openRecompute(manifest: ModelManifest, path: string, options: { readonly signal: AbortSignal; readonly onStep: (what: string) => void }): Promise<RecomputePort> {
  const { ReferenceRecompute } = await import('./verify-recompute.ts');
  return new ReferenceRecompute(manifest, path, options);
}
