import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import * as v from 'valibot';
import { PageReport } from './page-task.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BenchModel, BenchStage } from '../models.ts';
import type { RowInputs, RowOutputs } from './compute-rows.ts';
import type { PageTask } from './page-task.ts';

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
/** Without these two a page has no shared memory, which the library's build asks for. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'cache-control': 'no-store' };
/** A page asks again after this long without a task. */
const POLL_MS = 20_000;
/** A page that has not even asked by then will not: the browser is broken. */
const FIRST_POLL_MS = 90_000;
/** A page whose process ended says nothing. SwiftShader takes six minutes for a stage of SmolLM2. */
const TASK_LIMIT_MS = 30 * 60_000;
/** Most bytes of a result: 200 prompts of 64 rows, 2,048 wide. */
const MAX_RESULT_BYTES = 128 * 2 ** 20;

/** What a page needs of a model. */
export type ServedModel = Pick<BenchModel, 'manifest' | 'shard'>;

interface Work {
  readonly task: PageTask;
  readonly model: ServedModel;
  readonly inputs: RowInputs;
  readonly results: Map<string, Float32Array | Uint32Array>;
  readonly done: PromiseWithResolvers<RowOutputs>;
}

/** Serves one browser's page and hands it one task at a time. */
export class TaskServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #server = createServer((request, response) => void this.#handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined)));
  readonly #waiting: ((work: Work) => void)[] = [];
  #work: Work | undefined;
  #offered: Work | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `folder`: the built page. */
  static async open(folder: string): Promise<TaskServer> {
    const tasks = new TaskServer(folder);
    await new Promise<void>((resolve) => tasks.#server.listen(0, '127.0.0.1', resolve));
    return tasks;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/compute.html`;
  }

  /** Has the page compute a stage. One at a time. */
  async compute(model: ServedModel, stage: Pick<BenchStage, 'index'>, inputs: RowInputs, provider: PageTask['provider'], signal: AbortSignal): Promise<RowOutputs> {
    const task: PageTask = { id: randomUUID(), provider, stage: stage.index, prompts: inputs.prompts, chunk: inputs.chunk, idPrompts: inputs.idPrompts ?? inputs.prompts, check: inputs.check !== null };
    const work: Work = { task, model, inputs, results: new Map(), done: Promise.withResolvers() };
    const stop = (): void => work.done.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const silent = setTimeout(() => {
      if (this.#offered === work) work.done.reject(new Error(`no page asked for work within ${FIRST_POLL_MS / 1000} s; does the browser start?`));
    }, FIRST_POLL_MS);
    const limit = setTimeout(() => work.done.reject(new Error(`the page was not done after ${TASK_LIMIT_MS / 60_000} minutes`)), TASK_LIMIT_MS);
    this.#offered = work;
    this.#waiting.shift()?.(work);
    try {
      return await work.done.promise;
    } finally {
      clearTimeout(silent);
      clearTimeout(limit);
      signal.removeEventListener('abort', stop);
      this.#work = this.#offered = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/next') return this.#next(response);
    const [, id, name = '', shard = ''] = /^\/tasks\/([^/]+)\/([^/]+)(?:\/(.+))?$/.exec(pathname) ?? [];
    if (id === undefined) return sendFile(join(this.#folder, normalize(pathname)), response);
    const work = this.#work;
    if (work?.task.id !== id) return void response.writeHead(409, ISOLATION).end();
    if (request.method === 'POST') {
      await take(work, name, await bodyOf(request));
      return void response.writeHead(204, ISOLATION).end();
    }
    const bytes = await inputOf(work, name, shard);
    if (bytes === undefined) return void response.writeHead(404, ISOLATION).end();
    response.writeHead(200, { ...ISOLATION, 'content-type': 'application/octet-stream', 'content-length': bytes.length }).end(bytes);
  }

  async #next(response: ServerResponse): Promise<void> {
    // A page that asks anew has lost what it was at: its task fails by name instead of waiting for ever.
    this.#work?.done.reject(new Error('the page loaded itself anew before it was done'));
    let tired: NodeJS.Timeout | undefined;
    const work =
      this.#offered ??
      (await new Promise<Work | undefined>((resolve) => {
        const offer = (offered: Work): void => resolve(offered);
        this.#waiting.push(offer);
        const leave = (): void => {
          const place = this.#waiting.indexOf(offer);
          if (place >= 0) this.#waiting.splice(place, 1);
          resolve(undefined);
        };
        tired = setTimeout(leave, POLL_MS);
        response.once('close', leave);
      }));
    clearTimeout(tired);
    if (work === undefined) return void response.writeHead(204, ISOLATION).end();
    this.#offered = undefined;
    this.#work = work;
    response.writeHead(200, { ...ISOLATION, 'content-type': 'application/json' }).end(JSON.stringify(work.task));
  }
}

async function take(work: Work, name: string, body: Buffer<ArrayBuffer>): Promise<void> {
  if (name === 'rows' || name === 'ids') {
    const buffer = body.buffer.slice(body.byteOffset, body.byteOffset + body.length);
    work.results.set(name, name === 'rows' ? new Float32Array(buffer) : new Uint32Array(buffer));
    return;
  }
  const report = v.parse(PageReport, JSON.parse(body.toString('utf8')));
  if ('failed' in report) return work.done.reject(new Error(`the page failed: ${report.failed}`));
  const [rows, ids] = [work.results.get('rows'), work.results.get('ids')];
  if (!(rows instanceof Float32Array)) return work.done.reject(new Error('the page sent no rows'));
  work.done.resolve({ rows, ids: ids instanceof Uint32Array ? ids : null, others: report.others });
}

async function inputOf({ model, inputs }: Work, name: string, shard: string): Promise<Uint8Array | undefined> {
  const bytes = (array: Float32Array | Uint32Array | undefined): Uint8Array | undefined => array && new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (name) {
    case 'manifest':
      return Buffer.from(JSON.stringify(model.manifest));
    case 'shards':
      return model.shard(shard);
    case 'input':
      return bytes(inputs.input);
    case 'prompt-ids':
      return bytes(inputs.promptIds);
    case 'check-ids':
      return bytes(inputs.check ?? undefined);
    default:
      return undefined;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > MAX_RESULT_BYTES) throw new Error(`a result of more than ${MAX_RESULT_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function sendFile(file: string, response: ServerResponse): Promise<void> {
  const size = await stat(file).then((found) => (found.isFile() ? found.size : undefined), () => undefined);
  if (size === undefined) return void response.writeHead(404, ISOLATION).end();
  response.writeHead(200, { ...ISOLATION, 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': size });
  await new Promise<void>((resolve, reject) => createReadStream(file).on('error', reject).pipe(response).on('close', resolve));
}
