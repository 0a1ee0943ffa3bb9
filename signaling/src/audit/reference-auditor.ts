import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import type { ChildProcess } from 'node:child_process';
import type { HexHash } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { Clock } from '../sessions/clock.ts';
import { AuditError } from './audit-error.ts';
import { REFERENCE_BASE_MS, REFERENCE_ID_MS, REFERENCE_IDLE_MS, REFERENCE_MAX_RSS_BYTES, REFERENCE_POSITION_LAYER_MS } from './audit-limits.ts';
import { Ending } from './ending.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { ReferenceReply } from './reference-messages.ts';
import { idsChecked } from './stage-case.ts';
import type { ReferenceRun, ReferenceTask } from './ports.ts';
import type { ReferenceQuestion } from './reference-messages.ts';

const ENTRY = fileURLToPath(new URL('reference-process.ts', import.meta.url));
const MAX_WORDS_CHARACTERS = 500;

interface Rows {
  readonly rows: Float32Array;
  readonly ids: SampledIds | null;
}

export interface ReferenceAuditorDeps {
  readonly clock: Clock;
  /** File and manifest of a served model. */
  readonly models: (id: HexHash) => { readonly path: string; readonly manifest: ModelManifest } | undefined;
}

export interface ReferenceAuditorOptions {
  readonly idleMs?: number;
  readonly maxRssBytes?: number;
}

/**
 * Runs stages in a process of its own: WebAssembly gives no memory back, and a run that takes too long can only be ended with it.
 * One run at a time; the process stays for the next one, and ends when there is none for a while or when it has grown.
 */
export class ReferenceAuditor implements ReferenceRun {
  readonly #deps: ReferenceAuditorDeps;
  readonly #options: Required<ReferenceAuditorOptions>;
  readonly #order = new OneAtATime<'run'>();
  #child: ChildProcess | undefined;
  /** The last words of its standard error. */
  #words = '';
  #cancelIdle: () => void = () => undefined;
  #runs = 0;

  constructor(deps: ReferenceAuditorDeps, options: ReferenceAuditorOptions = {}) {
    this.#deps = deps;
    this.#options = { idleMs: REFERENCE_IDLE_MS, maxRssBytes: REFERENCE_MAX_RSS_BYTES, ...options };
  }

  /** Process id while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Throws AuditError `unknown-model` or `reference-failed`; rejects with the signal's reason. */
  run(task: ReferenceTask, signal: AbortSignal): Promise<Rows> {
    return this.#order.run('run', () => this.#run(task, signal));
  }

  /** Ends the process; a run in it fails. */
  close(): void {
    this.#cancelIdle();
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #run({ modelId, ...task }: ReferenceTask, signal: AbortSignal): Promise<Rows> {
    signal.throwIfAborted();
    const model = this.#deps.models(modelId);
    if (model === undefined) throw new AuditError('unknown-model', `model ${modelId} is not served any more; add it again`, { fault: 'platform', fields: { modelId } });
    this.#cancelIdle();
    const reply = await this.#ask({ id: ++this.#runs, path: model.path, manifest: model.manifest, task: plain(task) }, allowedMs(task, model.manifest.architecture.layers), signal).catch((error: unknown) => {
      this.close();
      throw error;
    });
    if (reply.rssBytes > this.#options.maxRssBytes) this.close();
    else this.#cancelIdle = this.#deps.clock.after(this.#options.idleMs, () => this.close());
    if (reply.kind === 'failed') throw failed(reply.message);
    return { rows: reply.rows, ids: reply.ids };
  }

  async #ask(question: ReferenceQuestion, ms: number, signal: AbortSignal): Promise<ReferenceReply> {
    const ending = new Ending<ReferenceReply>(this.#deps.clock, signal);
    const child = (this.#child ??= this.#start());
    const onMessage = (value: unknown): void => {
      const parsed = v.safeParse(ReferenceReply, value);
      if (!parsed.success) ending.fail(failed('the process said something else than an answer'));
      else if (parsed.output.id === question.id) ending.end(parsed.output);
    };
    const onError = (error: Error): void => ending.fail(failed(`the process cannot run: ${error.message}`));
    const onExit = (code: number | null, by: string | null): void => ending.fail(failed(`the process ended with ${by ?? code}: ${this.#words.trim()}`));
    child.on('message', onMessage).once('error', onError).once('exit', onExit);
    ending.within(ms, () => ending.fail(failed(`no answer within ${ms / 1000} s`)));
    child.send(question, (error) => {
      if (error !== null) onError(error);
    });
    try {
      return await ending.result;
    } finally {
      child.off('message', onMessage).off('error', onError).off('exit', onExit);
    }
  }

  #start(): ChildProcess {
    const child = fork(ENTRY, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], serialization: 'advanced' });
    this.#words = '';
    child.stderr?.on('data', (text: Buffer) => {
      this.#words = (this.#words + text.toString()).slice(-MAX_WORDS_CHARACTERS);
    });
    const gone = (): void => {
      if (this.#child === child) this.#child = undefined;
    };
    // Also between runs: without a listener an error event would end the coordinator.
    return child.on('error', gone).on('exit', gone);
  }
}

/** Copies: a view would be sent with the whole memory behind it, and a Buffer arrives as something else. */
function plain({ check, follow, inputs, ...task }: Omit<ReferenceTask, 'modelId'>): ReferenceQuestion['task'] {
  return { ...task, layers: [...task.layers], inputs: Uint8Array.from(inputs), ...(check && { check: { ...check, payload: Uint8Array.from(check.payload) } }), ...(follow && { follow: { ...follow, payload: Uint8Array.from(follow.payload), ids: Uint32Array.from(follow.ids) } }) };
}

function allowedMs({ positions, layers: [from, to], check, follow }: Omit<ReferenceTask, 'modelId'>, layers: number): number {
  const { sampling } = check ?? follow ?? {};
  const ids = sampling === undefined ? 0 : idsChecked(sampling, positions);
  // Rows that are followed go through the layers that are left twice: ours and the committed ones.
  const followed = follow === undefined ? 0 : 2 * (layers - to + 1);
  return REFERENCE_BASE_MS + positions * (to - from + 1 + followed) * REFERENCE_POSITION_LAYER_MS + ids * REFERENCE_ID_MS;
}

const failed = (why: string): AuditError => new AuditError('reference-failed', `the reference run failed: ${why}`, { fault: 'platform' });
