/** `npm run calibrate -- MODEL`: makes a model's calibration table and shows what its tolerances rest on. Exit 1 for a refused model. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { toBase64 } from '@ciro/core/bytes.ts';
import { decodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { calibrationTable } from '../models/calibrate-table.ts';
import { CALIBRATION_CORPUS_SHA256 } from '../models/calibration-corpus.ts';
import { fetchDefaultModel } from '../models/fetch-default-model.ts';
import { fileSha256 } from '../models/file-sha256.ts';
import { publishedCalibration, publishedCalibrationFile } from '../models/published-calibration.ts';
import { measureCalibration } from '../models/run-calibration.ts';
import { parseCalibrateOptions } from './calibrate-options.ts';
import { runCommand } from './run-command.ts';

await runCommand(async (signal) => {
  const { model, json, stages, publish } = parseCalibrateOptions(process.argv.slice(2));
  const path = model === 'default' ? await fetchDefaultModel({ signal }) : model;
  const started = performance.now();
  const { encoded, findings } = await measureCalibration(path, { signal, stages, onBoundary: (done, total) => process.stderr.write(`boundary ${done} of ${total}\n`) });
  const seconds = (performance.now() - started) / 1000;
  const table = decodeCalibration(encoded);
  const file = await fileSha256(path, { signal });
  const published = {
    model: basename(path),
    file_sha256: file,
    version: table.version,
    corpus_sha256: CALIBRATION_CORPUS_SHA256,
    table_sha256: createHash('sha256').update(encoded).digest('hex'),
    table_base64: toBase64(encoded),
  };
  process.stdout.write(`${calibrationTable(table, findings)}\ntable ${published.table_sha256}, made in ${seconds.toFixed(0)} s\n`);
  const known = await publishedCalibration(file);
  if (known !== undefined) process.stdout.write(Buffer.compare(known, encoded) === 0 ? 'It is the published table, bit for bit.\n' : 'It is NOT the published table.\n');
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ ...published, findings }, null, 1)}\n`);
  if (publish) await writeFile(publishedCalibrationFile(file), `${JSON.stringify(published, null, 1)}\n`);
});
