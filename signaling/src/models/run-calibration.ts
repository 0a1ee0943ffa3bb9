import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { CalibrationFindings } from './calibrate-findings.ts';
import { ModelsError } from './models-error.ts';

const ENTRY = fileURLToPath(new URL('calibrate-process.ts', import.meta.url));

const Message = v.variant('kind', [
  v.object({ kind: v.literal('boundary'), done: v.number(), total: v.number() }),
  v.object({ kind: v.literal('table'), base64: v.string(), findings: CalibrationFindings }),
  v.object({ kind: v.literal('failed'), code: v.string(), message: v.string(), fields: v.record(v.string(), v.unknown()) }),
]);
/** What the calibration process says, in this order: boundaries, then a table or a failure. */
export type CalibrationMessage = v.InferOutput<typeof Message>;

export interface CalibrationRunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBoundary?: ((done: number, total: number) => void) | undefined;
  /** Stages that the 8-bit cheat is measured over; default 3. */
  readonly stages?: number | undefined;
}

/** An encoded table and what its tolerances were made from. */
export interface MeasuredCalibration {
  readonly encoded: Uint8Array;
  readonly findings: CalibrationFindings;
}

/** The encoded table of a model file. Throws as `measureCalibration`. */
export async function runCalibration(path: string, options: CalibrationRunOptions = {}): Promise<Uint8Array> {
  return (await measureCalibration(path, options)).encoded;
}

/**
 * Calibrates a model file in a process of its own, so that the 500 MB it needs are given back.
 *
 * @throws ModelsError `calibration-refused` when the model can't be committed to, `calibration-failed` when the process fails
 */
export function measureCalibration(path: string, options: CalibrationRunOptions = {}): Promise<MeasuredCalibration> {
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const args = options.stages === undefined ? [path] : [path, String(options.stages)];
    const child = fork(ENTRY, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], ...(options.signal === undefined ? {} : { signal: options.signal }) });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-500);
    });
    const fail = (message: string, fields: Record<string, unknown> = {}, code: 'calibration-failed' | 'calibration-refused' = 'calibration-failed'): void =>
      reject(new ModelsError(code, message, { fault: code === 'calibration-refused' ? 'user' : 'platform', fields }));
    child.on('message', (value) => {
      const parsed = v.safeParse(Message, value);
      if (!parsed.success) return fail('The calibration process said something else than a calibration.');
      const message = parsed.output;
      if (message.kind === 'boundary') options.onBoundary?.(message.done, message.total);
      else if (message.kind === 'table') resolve({ encoded: fromBase64(message.base64), findings: message.findings });
      else fail(message.message, message.fields, message.code === 'calibration-refused' ? 'calibration-refused' : 'calibration-failed');
    });
    child.once('error', (error) => (options.signal?.aborted === true ? reject(options.signal.reason) : fail(`The calibration process can't run: ${error.message}.`)));
    // After a table or a refusal this comes too late to count; before, it is all there is.
    child.once('exit', (code, signal) => fail(`The calibration process ended with ${signal ?? code} before it had a table: ${words.trim()}`));
  });
}
