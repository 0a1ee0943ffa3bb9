import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { AddressInfo } from 'node:net';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Door } from './network-question.ts';
import { auditing } from './scripted-auditor.ts';
import { ScriptedWorker } from './scripted-worker.ts';
import type { AuditedWorker } from './audited-network.ts';

const KEY_FILE = 'coordinator-key.json';
const PROGRAM = join(import.meta.dirname, 'serve-until-killed.ts');

/** What the program is started with, as one JSON argument, and what it says once it serves. */
export const KilledOptions = v.strictObject({ folder: v.string(), port: v.number(), stages: v.number(), expectWorkers: v.number(), fabricated: v.boolean(), databaseUrl: v.optional(v.string()) });
const Serving = v.strictObject({ url: v.string(), trialKey: v.string() });

/** What a coordinator is started with: `fabricated` serves a model that nothing computes. With `databaseUrl` it is one of several over that database (SPEC Z). */
type Wish = Pick<v.InferOutput<typeof KilledOptions>, 'stages' | 'expectWorkers' | 'fabricated' | 'databaseUrl'>;

/** A coordinator in a process of its own, which a test kills and starts again on the same store and port. */
export class KilledCoordinator implements AsyncDisposable {
  readonly folder: string;
  readonly #port: number;
  readonly #wish: Wish;
  readonly workers = new Map<NodeId, ScriptedWorker>();
  #kill: () => Promise<void> = () => Promise.resolve();
  #terminate: () => Promise<number | null> = () => Promise.resolve(null);
  #door = { url: '', trialKey: '' };

  private constructor(folder: string, port: number, wish: Wish) {
    this.folder = folder;
    this.#port = port;
    this.#wish = wish;
  }

  /** `keyOf`: another one's folder, whose key it signs with. */
  static async start(wish: Wish, keyOf?: string): Promise<KilledCoordinator> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const coordinator = new KilledCoordinator(await mkdtemp(join(tmpdir(), 'ciro-killed-')), port, wish);
    if (keyOf !== undefined) {
      await mkdir(join(coordinator.folder, 'data'));
      await copyFile(join(keyOf, 'data', KEY_FILE), join(coordinator.folder, 'data', KEY_FILE));
    }
    await coordinator.again();
    return coordinator;
  }

  /** Starts it, for the first time or after `kill`; workers have to join again. */
  async again(): Promise<void> {
    const options: v.InferOutput<typeof KilledOptions> = { folder: this.folder, port: this.#port, ...this.#wish };
    const child = fork(PROGRAM, [JSON.stringify(options)], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const exited = once(child, 'exit');
    this.#kill = async () => {
      child.kill('SIGKILL');
      await exited;
    };
    this.#terminate = async () => {
      child.kill('SIGTERM');
      return ((await exited) as [number | null])[0];
    };
    this.#door = v.parse(Serving, ((await Promise.race([once(child, 'message'), exited.then(() => ['ended'])])) as readonly unknown[])[0]);
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#kill();
    for (const worker of this.workers.values()) worker.vanish();
  }

  /** Asks it to stop; gives its exit code once it has. */
  terminate(): Promise<number | null> {
    return this.#terminate();
  }

  get door(): Door {
    return this.#door;
  }

  join({ audits, ...options }: AuditedWorker): Promise<ScriptedWorker> {
    return ScriptedWorker.connect({ ...options, url: this.#door.url, workers: this.workers, onMessage: auditing(audits) });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.#door.url + path, { ...init, headers: { authorization: `Bearer ${this.#door.trialKey}`, 'content-type': 'application/json', ...init.headers } });
  }

  async balance(): Promise<bigint> {
    return BigInt(((await (await this.fetch('/v1/account')).json()) as { balance: string }).balance);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
