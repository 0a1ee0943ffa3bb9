import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { toBase64 } from '@ciro/core/bytes.ts';
import { canonicalJson } from '@ciro/core/canonical-json.ts';
import { optionalText } from '@ciro/core/model/gguf/metadata.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { MODEL_NAME_CHARACTERS_MAX } from '@ciro/core/model/model-limits.ts';
import { parseManifest } from '@ciro/core/model/parse-manifest.ts';
import { stopIdsOf } from '@ciro/core/model/stop-ids.ts';
import { cacheFolder } from './cache-folder.ts';
import { ChatTemplate } from './chat-template.ts';
import { openGguf } from './gguf-file.ts';
import { ImportCache } from './import-cache.ts';
import { ModelsError } from './models-error.ts';
import { publishedCalibration } from './published-calibration.ts';
import { runCalibration } from './run-calibration.ts';
import { modelHashes } from './shard-hashes.ts';
import { Tokenizer } from './tokenizer.ts';
import type { ImportPlan } from '@ciro/core/model/import-plan.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { GgufFile } from './gguf-file.ts';
import type { ImportRecord } from './import-cache.ts';
import type { CalibrationRunOptions } from './run-calibration.ts';

/** What the import is at, for a progress bar: bytes hashed, or boundaries calibrated. */
export interface ImportProgress {
  readonly step: 'hash' | 'calibrate';
  readonly done: number;
  readonly total: number;
}

export interface ImportOptions {
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** How a table is made when none is cached or published. Default: `runCalibration`. */
  readonly calibrate?: ((path: string, options: CalibrationRunOptions) => Promise<Uint8Array>) | undefined;
}

/** A file ready to be served. */
export interface ImportedModel {
  readonly path: string;
  readonly manifest: ModelManifest;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/**
 * Makes a manifest of a GGUF file: header → plan, one pass for all hashes, calibration. The parts that need the whole file
 * are cached, so a second import of an unchanged file only reads its header.
 *
 * @throws GgufError, ModelError or ModelsError with the field, tensor or step that is at fault
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<ImportedModel> {
  const file = await openGguf(path);
  const plan = planImport(file.header);
  // Before anything slow: a file whose tokenizer or template can't be used is refused in a quarter of a second.
  const tokenizer = Tokenizer.ofGguf(file.header);
  const template = ChatTemplate.ofGguf(file.header, tokenizer);
  if (tokenizer.vocabulary.tokens.length !== plan.architecture.vocabulary) {
    const { length } = tokenizer.vocabulary.tokens;
    throw new ModelsError('bad-tokenizer', `The file has ${length} tokens but ${plan.architecture.vocabulary} embedding rows. Fetch it again.`, {
      fault: 'user',
      fields: { tokens: length, rows: plan.architecture.vocabulary },
    });
  }
  const cache = new ImportCache(options.cache ?? cacheFolder());
  const planHash = createHash('sha256').update(canonicalJson(plan)).digest('hex');
  let record = await cache.find(path, planHash);
  if (record === undefined) {
    record = await readWhole(file, plan, options);
    await cache.store(path, planHash, record);
  }
  return { path, manifest: manifestOf(file, plan, record), tokenizer, template };
}

async function readWhole(file: GgufFile, plan: ImportPlan, options: ImportOptions): Promise<ImportRecord> {
  const { signal, onProgress } = options;
  const hashes = await modelHashes(file.path, plan.shards, { signal, onBytes: (done) => onProgress?.({ step: 'hash', done, total: file.bytes }) });
  const published = await publishedCalibration(hashes.file);
  if (published !== undefined) return { hashes, calibration: published };
  const calibrateFile = options.calibrate ?? runCalibration;
  const calibration = await calibrateFile(file.path, { signal, onBoundary: (done, total) => onProgress?.({ step: 'calibrate', done, total }) });
  return { hashes, calibration };
}

/** Built anew at every start and checked by the same parser as in the tabs, so a damaged cache can't be served. */
function manifestOf(file: GgufFile, plan: ImportPlan, { hashes, calibration }: ImportRecord): ModelManifest {
  return parseManifest({
    format: 1,
    name: servedName(file.path),
    licence: (optionalText(file.header, 'general.license') ?? 'unknown').slice(0, MODEL_NAME_CHARACTERS_MAX),
    file: { name: basename(file.path), sha256: hashes.file, bytes: file.bytes },
    architecture: plan.architecture,
    shards: plan.shards.map((shard) => ({ ...shard, sha256: hashes.shards.get(shard.name) })),
    stopIds: stopIdsOf(file.header),
    calibration: { sha256: createHash('sha256').update(calibration).digest('hex'), base64: toBase64(calibration) },
  });
}

/** Name for the API: the file's, in lower case, without its ending: `smollm2-135m-instruct-q4_1`. */
export function servedName(path: string): string {
  const name = basename(path)
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MODEL_NAME_CHARACTERS_MAX);
  return name === '' ? 'model' : name;
}
