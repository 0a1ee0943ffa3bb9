import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toBase64 } from '@ciro/core/bytes.ts';
import { canonicalJson } from '@ciro/core/canonical-json.ts';
import { checkOf, differs, wrong } from '@ciro/core/evidence/report.ts';
import { requiredText } from '@ciro/core/model/gguf/metadata.ts';
import { planImport } from '@ciro/core/model/import-plan.ts';
import { stopIdsOf } from '@ciro/core/model/stop-ids.ts';
import { cacheFolder, modelFolder } from '../models/cache-folder.ts';
import { ChatTemplate } from '../models/chat-template.ts';
import { fetchDefaultModel } from '../models/fetch-default-model.ts';
import { fileSha256 } from '../models/file-sha256.ts';
import { openGguf } from '../models/gguf-file.ts';
import { publishedCalibration } from '../models/published-calibration.ts';
import { Tokenizer } from '../models/tokenizer.ts';
import { showProgress } from './progress.ts';
import type { TextPort } from '@ciro/core/evidence/check-text.ts';
import type { Check, WrongElement } from '@ciro/core/evidence/report.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** A model file at hand, and whether the manifest in the evidence is what this release makes of it. */
export interface VerifyModel {
  readonly path: string;
  readonly text: TextPort;
  readonly check: Check;
}

/** Path of the file: the one that was named, or the one in the cache with the manifest's hash; undefined when there is none. */
export async function findModelFile(manifest: ModelManifest, wanted: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (wanted === 'default') {
    const progress = showProgress('model');
    const path = await fetchDefaultModel({ signal, onProgress: ({ step, bytes, totalBytes }) => step !== 'verify' && progress.update(bytes, totalBytes) });
    progress.done();
    return path;
  }
  if (wanted !== undefined) return wanted;
  const folder = modelFolder(cacheFolder(), manifest.file.sha256);
  const names = await readdir(folder).catch(() => []);
  const name = names.find((each) => each.endsWith('.gguf'));
  return name === undefined ? undefined : join(folder, name);
}

/**
 * Opens a model file for text and recomputation. Its hash, sizes, shards, stop ids and published calibration are compared with the
 * manifest: a coordinator may make up a manifest, but not the file that it names. Throws GgufError, ModelError or ModelsError when
 * the file is not one that Ciro runs.
 */
export async function openVerifyModel(path: string, manifest: ModelManifest, signal: AbortSignal): Promise<VerifyModel> {
  const { header } = await openGguf(path);
  const tokenizer = Tokenizer.ofGguf(header);
  const template = ChatTemplate.ofGguf(header, tokenizer);
  const hash = await fileSha256(path, { signal });
  const plan = planImport(header);
  const shards = manifest.shards.map(({ sha256: _hash, ...rest }) => rest);
  const element =
    differs('manifest.file.sha256', hash, manifest.file.sha256, 'hash of the model file here') ??
    same('manifest.architecture', plan.architecture, manifest.architecture, 'numbers in the file') ??
    same('manifest.shards', plan.shards, shards, 'layout of the file') ??
    same('manifest.stopIds', stopIdsOf(header), manifest.stopIds, 'stop ids of the file') ??
    (await calibrationOf(hash, manifest));
  return {
    path,
    text: {
      template: requiredText(header, 'tokenizer.chat_template'),
      promptIds: (messages) => tokenizer.encodePrompt(template.render(messages)),
      text: (ids) => tokenizer.decode(ids),
    },
    check: checkOf('model file', element, `${manifest.file.name} has SHA-256 ${hash.slice(0, 16)}… and the layout in the manifest`),
  };
}

function same(at: string, expected: unknown, got: unknown, why: string): WrongElement | undefined {
  return canonicalJson(expected) === canonicalJson(got) ? undefined : wrong(at, canonicalJson(expected), canonicalJson(got), why);
}

/** A wider table than the one this release publishes for the file would let wrong rows pass. */
async function calibrationOf(hash: string, { calibration }: ModelManifest): Promise<WrongElement | undefined> {
  const published = await publishedCalibration(hash);
  return published === undefined ? undefined : differs('manifest.calibration.base64', toBase64(published), calibration.base64, 'calibration that this release publishes for the file');
}
