/** Entry of the reference process: asked by `ReferenceAuditor`, answering it over IPC; one run at a time. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { parseManifest } from '@ciro/core/model/parse-manifest.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import { readShard } from '../models/shard-reader.ts';
import { ReferenceQuestion } from './reference-messages.ts';
import { runReferenceStage } from './reference-stage.ts';
import type { ReferenceReply } from './reference-messages.ts';

const MAX_WORDS_CHARACTERS = 500;

/** Shards are read anew for every run, and used only when they hash right (SPEC D1). */
async function readChecked(path: string, manifest: ModelManifest, name: string): Promise<Uint8Array> {
  const shard = manifest.shards.find((each) => each.name === name);
  if (shard === undefined) throw new RangeError(`no shard is called ${name}`);
  const bytes = await readShard(path, shard);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== shard.sha256) throw new RangeError(`shard ${name} hashes to ${sha256}, not ${shard.sha256}; fetch the model file again`);
  return bytes;
}

async function answer({ id, path, manifest: served, task: { check, follow, ...task } }: ReferenceQuestion): Promise<ReferenceReply> {
  try {
    const manifest = parseManifest(served);
    const { rows, ids } = await runReferenceStage(manifest, (name) => readChecked(path, manifest, name), { ...task, ...(check && { check }), ...(follow && { follow }) });
    return { kind: 'done', id, rows, ids, rssBytes: process.memoryUsage.rss() };
  } catch (error) {
    return { kind: 'failed', id, message: (error instanceof Error ? error.message : String(error)).slice(0, MAX_WORDS_CHARACTERS), rssBytes: process.memoryUsage.rss() };
  }
}

let last: Promise<unknown> = Promise.resolve();
process.on('message', (value: unknown) => {
  const question = v.parse(ReferenceQuestion, value);
  last = last.then(() => answer(question)).then((reply) => process.send?.(reply));
});
// The parent that ended or gave up closes the channel: nobody waits for the rows.
process.once('disconnect', () => process.exit(0));
