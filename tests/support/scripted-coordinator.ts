import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { startCoordinator } from '@ciro/signaling/main.ts';
import { ModelRegistry } from '@ciro/signaling/models/model-registry.ts';
import type { Coordinator } from '@ciro/signaling/main.ts';
import type { CoordinatorOptions } from '@ciro/signaling/coordinator-options.ts';
import type { ServedModel } from '@ciro/signaling/models/model-registry.ts';
import { readyDatabase } from './ready-database.ts';
import { ScriptedAudits } from './scripted-audits.ts';
import { ScriptedRunner } from './scripted-runner.ts';
import { tinyLlamaGguf } from './tiny-llama.ts';

/** Layers and width of the tiny model, and its context. */
const TINY = { layers: 2, hidden: 32, context: 128 };

/** The real coordinator on a free port, with its real database and a tiny model; only scheduler and audit desk are scripted. */
export class ScriptedCoordinator implements AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly runner: ScriptedRunner;
  readonly audits: ScriptedAudits;
  readonly model: ServedModel;
  readonly folder: string;

  private constructor(parts: { coordinator: Coordinator; runner: ScriptedRunner; audits: ScriptedAudits; model: ServedModel; folder: string }) {
    this.coordinator = parts.coordinator;
    this.runner = parts.runner;
    this.audits = parts.audits;
    this.model = parts.model;
    this.folder = parts.folder;
  }

  /** `folder`: that of a coordinator that was closed before, to start it again. */
  static async start(options: Partial<CoordinatorOptions> & { readonly folder?: string } = {}): Promise<ScriptedCoordinator> {
    const { folder = await mkdtemp(join(tmpdir(), 'ciro-http-')), ...changes } = options;
    const path = join(folder, 'tiny.gguf');
    await writeFile(path, tinyLlamaGguf(TINY));
    // Nothing is computed here, so any table of the right size will do.
    const exponents = new Int8Array((TINY.layers + 2) * TINY.hidden);
    const calibrate = async (): Promise<Uint8Array> => encodeCalibration({ version: 1, hidden: TINY.hidden, exponents, exponentsAtZero: exponents, tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -7 });
    const models = new ModelRegistry({ cache: join(folder, 'cache'), calibrate });
    const model = await models.add(path);
    const runner = new ScriptedRunner();
    const audits = new ScriptedAudits();
    const coordinator = await startCoordinator({ port: 0, host: '127.0.0.1', dataDir: await readyDatabase(join(folder, 'data')), models, runner, audits, ...changes });
    return new ScriptedCoordinator({ coordinator, runner, audits, model, folder });
  }

  /** A request with the trial key unless `headers` say otherwise. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${this.coordinator.trialKey}`);
    return fetch(this.coordinator.url + path, { ...init, headers });
  }

  /** `POST /v1/chat/completions` with one user message unless `body` has others. */
  ask(body: Record<string, unknown> = {}, init: RequestInit = {}): Promise<Response> {
    const request = { model: 'default', messages: [{ role: 'user', content: 'Say hello' }], ...body };
    return this.fetch('/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request), ...init });
  }

  /** Base units left on the trial key. */
  async balance(): Promise<bigint> {
    const body: unknown = await (await this.fetch('/v1/account')).json();
    return BigInt((body as { balance: string }).balance);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.coordinator.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The `data:` payloads of a server-sent stream, in order, and everything else that came. */
export async function eventsOfStream(response: Response): Promise<{ readonly data: unknown[]; readonly done: boolean; readonly text: string }> {
  const text = await response.text();
  const payloads = text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice('data: '.length));
  return { data: payloads.filter((payload) => payload !== '[DONE]').map((payload): unknown => JSON.parse(payload)), done: payloads.at(-1) === '[DONE]', text };
}
