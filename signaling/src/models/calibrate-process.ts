/** Entry of the calibration process: `node calibrate-process.ts MODEL.gguf [STAGES]`, told by `runCalibration` and answering it over IPC. */
import { toBase64 } from '@ciro/core/bytes.ts';
import { CiroError } from '@ciro/core/errors.ts';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { calibrate } from './calibrate.ts';
import { calibrationSequences } from './calibration-corpus.ts';
import { ChatTemplate } from './chat-template.ts';
import { openGguf } from './gguf-file.ts';
import { provisionalManifest } from './provisional-manifest.ts';
import { readShard } from './shard-reader.ts';
import { Tokenizer } from './tokenizer.ts';
import type { CalibrationMessage } from './run-calibration.ts';

function tell(message: CalibrationMessage): Promise<void> {
  return new Promise((resolve) => void process.send?.(message, () => resolve()));
}

async function main(path: string, stages: string | undefined): Promise<void> {
  const { header } = await openGguf(path);
  const plan = planImport(header);
  const tokenizer = Tokenizer.ofGguf(header);
  const sequences = await calibrationSequences(tokenizer, ChatTemplate.ofGguf(header, tokenizer));
  const shards = new Map(plan.shards.map((shard) => [shard.name, shard]));
  const { table, findings } = await calibrate(
    provisionalManifest(plan),
    (name) => {
      const shard = shards.get(name);
      if (shard === undefined) throw new RangeError(`no shard is called ${name}`);
      return readShard(path, shard);
    },
    sequences,
    { ...(stages !== undefined && { stages: Number(stages) }), onBoundary: (done, total) => void tell({ kind: 'boundary', done, total }) },
  );
  await tell({ kind: 'table', base64: toBase64(encodeCalibration(table)), findings });
}

// The parent that ended or gave up closes the channel; without it nobody waits for the table.
process.once('disconnect', () => process.exit(1));

try {
  await main(process.argv[2] ?? '', process.argv[3]);
} catch (error) {
  const code = error instanceof CiroError ? error.code : 'calibration-failed';
  await tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error), fields: error instanceof CiroError ? { ...error.fields } : {} });
}
process.exit(0);
