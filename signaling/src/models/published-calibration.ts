import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { CALIBRATION_CORPUS_SHA256, CALIBRATION_VERSION } from './calibration-corpus.ts';

const Published = v.object({
  model: v.string(),
  file_sha256: v.string(),
  version: v.number(),
  corpus_sha256: v.string(),
  table_base64: v.string(),
});

/**
 * The table that comes with this release for a model file, if there is one for this version of the calibration: the first
 * start needs none of its own. Anyone can make it again: it is the output of `runCalibration` on the file it names.
 */
export async function publishedCalibration(fileSha256: string): Promise<Uint8Array | undefined> {
  let text: string;
  try {
    text = await readFile(publishedCalibrationFile(fileSha256), 'utf8');
  } catch {
    return undefined;
  }
  const published = v.parse(Published, JSON.parse(text));
  const current = published.version === CALIBRATION_VERSION && published.corpus_sha256 === CALIBRATION_CORPUS_SHA256;
  return current && published.file_sha256 === fileSha256 ? fromBase64(published.table_base64) : undefined;
}

/** Where the table of a file lies in the checkout. */
export function publishedCalibrationFile(fileSha256: string): URL {
  return new URL(`published/${fileSha256}.json`, import.meta.url);
}
