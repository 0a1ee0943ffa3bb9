import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { startCoordinator } from '@ciro/signaling/main.ts';
import { importModel } from '@ciro/signaling/models/import-model.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Coordinator } from '@ciro/signaling/main.ts';
import type { CoordinatorOptions } from '@ciro/signaling/coordinator-options.ts';
import type { CoordinatorModel } from '@ciro/signaling/coordinator-models.ts';
import { readyDatabase } from './ready-database.ts';
import { auditing, scriptedReference } from './scripted-auditor.ts';
import { SCRIPTED_HIDDEN, SCRIPTED_TABLE } from './scripted-stage.ts';
import { ScriptedWorker } from './scripted-worker.ts';
import { tinyLlamaGguf } from './tiny-llama.ts';
import type { AuditMisbehaviour } from './scripted-auditor.ts';
import type { ScriptedWorkerOptions } from './scripted-worker.ts';

const LAYERS = 6;
/** Positions of the one prompt that the fabricated tokeniser knows: a unit and a bit. */
export const PROMPT_TOKENS = 21;

/** The text of ids, as the fabricated detokeniser has it. */
export const textOf = (ids: readonly number[]): string => ids.map((id) => `<${id}>`).join('');

/** A real manifest of a tiny model as wide as the scripted rows; nothing computes it, and its words are ids. */
export async function fabricatedModel(folder: string, layers = LAYERS): Promise<CoordinatorModel> {
  const path = join(folder, 'tiny.gguf');
  await writeFile(path, tinyLlamaGguf({ layers, hidden: SCRIPTED_HIDDEN, heads: 2, kvHeads: 1, feedForward: 16, context: 2_048 }));
  const count = (layers + 2) * SCRIPTED_HIDDEN;
  const calibrate = async (): Promise<Uint8Array> => encodeCalibration({ ...SCRIPTED_TABLE, exponents: new Int8Array(count), exponentsAtZero: new Int8Array(count) });
  const { manifest } = await importModel(path, { cache: join(folder, 'cache'), calibrate });
  return {
    id: modelIdOf(manifest),
    manifest,
    path,
    tokenizer: { encodePrompt: () => Array.from({ length: PROMPT_TOKENS }, (_, index) => index + 1), detokenizer: () => ({ push: (id) => textOf([id]), finish: () => '' }) },
    template: { source: '', render: (messages) => messages.map(({ content }) => content).join('\n') },
    shard: () => undefined,
    streamShard: () => Readable.from([]),
  };
}

export type AuditedWorker = Omit<ScriptedWorkerOptions, 'url' | 'workers' | 'onMessage'> & { readonly audits?: AuditMisbehaviour };

/**
 * The whole coordinator, scheduler, audit desk, ledger and database included, over workers of a fabricated model: real keys,
 * commitments, pieces and opinions; only the arithmetic is made up, so that it is the same everywhere.
 */
export class AuditedNetwork implements AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly folder: string;
  readonly workers = new Map<NodeId, ScriptedWorker>();

  private constructor(coordinator: Coordinator, folder: string) {
    this.coordinator = coordinator;
    this.folder = folder;
  }

  /** `folder`: that of a network that was closed before, to start it again. */
  static async start(wish: { readonly folder?: string; readonly stages?: number; readonly options?: Partial<CoordinatorOptions> }): Promise<AuditedNetwork> {
    const { folder = await mkdtemp(join(tmpdir(), 'ciro-audited-')), stages = 3 } = wish;
    const model = await fabricatedModel(folder);
    const models = { list: () => [model], get: (name: string) => (name === 'default' || name === model.id ? model : undefined) };
    const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir: await readyDatabase(join(folder, 'data')), models, stages, reference: scriptedReference, ...wish.options });
    return new AuditedNetwork(coordinator, folder);
  }

  async join({ audits, ...options }: AuditedWorker): Promise<ScriptedWorker> {
    return ScriptedWorker.connect({ ...options, url: this.coordinator.url, workers: this.workers, onMessage: auditing(audits) });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.coordinator.url + path, { ...init, headers: { authorization: `Bearer ${this.coordinator.trialKey}`, 'content-type': 'application/json' } });
  }

  /** What `ask` sends. */
  request(body: Record<string, unknown> = {}): Record<string, unknown> {
    return { model: 'default', messages: [{ role: 'user', content: 'go' }], temperature: 0, seed: 1, ...body };
  }

  ask(body: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
    return this.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(this.request(body)), ...init });
  }

  async balance(): Promise<bigint> {
    return BigInt(((await (await this.fetch('/v1/account')).json()) as { balance: string }).balance);
  }

  /** Closes it, and keeps the folder. */
  async close(): Promise<void> {
    await this.coordinator.close();
    for (const worker of this.workers.values()) worker.vanish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
