import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { calibrate } from '../../signaling/src/models/calibrate.ts';
import { calibrationSequences } from '../../signaling/src/models/calibration-corpus.ts';
import { ChatTemplate } from '../../signaling/src/models/chat-template.ts';
import { openGguf } from '../../signaling/src/models/gguf-file.ts';
import { provisionalManifest } from '../../signaling/src/models/provisional-manifest.ts';
import { readShard } from '../../signaling/src/models/shard-reader.ts';
import { Tokenizer } from '../../signaling/src/models/tokenizer.ts';
import { tinyLlamaGguf } from './tiny-llama.ts';
import type { Calibration, CalibrationOptions } from '../../signaling/src/models/calibrate.ts';
import type { CalibrationSequence } from '../../signaling/src/models/calibration-corpus.ts';
import type { TinyLlama } from './tiny-llama.ts';

/** A tiny model in a folder of its own; the caller removes the folder. */
export async function tinyModelFile(overrides: Partial<TinyLlama> = {}): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-calibrate-'));
  const path = join(folder, 'tiny.gguf');
  await writeFile(path, tinyLlamaGguf(overrides));
  return { folder, path };
}

/** The calibration corpus in a file's own tokens. */
export async function sequencesOf(path: string): Promise<CalibrationSequence[]> {
  const { header } = await openGguf(path);
  const tokenizer = Tokenizer.ofGguf(header);
  return calibrationSequences(tokenizer, ChatTemplate.ofGguf(header, tokenizer));
}

/** A file's calibration, made in this process. */
export async function calibrationOf(path: string, options: CalibrationOptions = {}): Promise<Calibration> {
  const plan = planImport((await openGguf(path)).header);
  const read = async (name: string): Promise<Uint8Array> => {
    const shard = plan.shards.find((each) => each.name === name);
    if (shard === undefined) throw new RangeError(`no shard is called ${name}`);
    return readShard(path, shard);
  };
  return calibrate(provisionalManifest(plan), read, await sequencesOf(path), options);
}
