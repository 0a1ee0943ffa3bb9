import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import { attachSocket } from '@ciro/signaling/edge/socket.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { IceServers } from '@ciro/signaling/relay/ice-servers.ts';
import { openRelay } from '@ciro/signaling/relay/open-relay.ts';
import { JobRunner } from '@ciro/signaling/scheduler/job-runner.ts';
import { systemClock } from '@ciro/signaling/sessions/clock.ts';
import { Sessions } from '@ciro/signaling/sessions/sessions.ts';
import { MemoryStandingStore } from '@ciro/signaling/standing/memory-standing-store.fixture.ts';
import { Standings } from '@ciro/signaling/standing/standings.ts';
import type { JobEvent, JobHandle, JobOrder } from '@ciro/signaling/scheduler/job-order.ts';
import type { JobRunnerOptions } from '@ciro/signaling/scheduler/job-runner.ts';
import { MemoryNodeRecords } from './memory-node-records.ts';
import { ScriptedWorker } from './scripted-worker.ts';
import type { ScriptedWorkerOptions } from './scripted-worker.ts';

export const MODEL_ID = 'ab'.repeat(32) as HexHash;

/** A manifest of six layers with nothing behind it: enough to place, plan and price. */
export const MANIFEST: ModelManifest = {
  format: 1,
  name: 'scripted',
  licence: 'MIT',
  file: { name: 'none.gguf', sha256: '00'.repeat(32), bytes: 0 },
  architecture: { family: 'llama', layers: 6, hidden: 8, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: 1000, context: 4096, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true },
  shards: [],
  stopIds: [],
  calibration: { sha256: '00'.repeat(32), base64: '' },
};

/** The coordinator's rooms behind a real socket, without intake, ledger and database. */
export class SmallCoordinator implements AsyncDisposable {
  readonly url: string;
  readonly runner: JobRunner;
  readonly sessions: Sessions;
  readonly standings: Standings;
  readonly records: MemoryNodeRecords;
  readonly errors: unknown[];
  readonly workers = new Map<NodeId, ScriptedWorker>();
  readonly #stop: () => Promise<void>;
  readonly #joined: ScriptedWorker[] = [];

  static async start(options: Partial<JobRunnerOptions> = {}): Promise<SmallCoordinator> {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    const key = await generateCoordinatorKey();
    const records = new MemoryNodeRecords();
    const network = 'ciro-test';
    const models = () => [{ id: MODEL_ID, name: MANIFEST.name }];
    const sessions = new Sessions({ clock: systemClock, records, coordinatorPublicKey: key.publicKey, randomBytes: random, models, onError }, { network });
    const served = { id: MODEL_ID, manifest: MANIFEST };
    const relay = openRelay(systemClock, sessions, new IceServers({ now: Date.now }, {}));
    const standings = await Standings.open({ store: new MemoryStandingStore(), clock: systemClock, workers: sessions, onError });
    const runner = new JobRunner(
      { clock: systemClock, workers: sessions, standings, models: { default: () => served, get: (id) => (id === MODEL_ID ? served : undefined) }, relay, key, randomBytes: random },
      { network, ...options },
    );
    const server = createServer((_request, response) => response.writeHead(404).end());
    const socket = attachSocket(server, { sessions, onError });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stop = async (): Promise<void> => {
      await runner.close();
      await sessions.close();
      await socket.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return new SmallCoordinator({ url: `http://127.0.0.1:${port}`, runner, sessions, standings, records, errors, stop });
  }

  private constructor(parts: { url: string; runner: JobRunner; sessions: Sessions; standings: Standings; records: MemoryNodeRecords; errors: unknown[]; stop: () => Promise<void> }) {
    this.url = parts.url;
    this.runner = parts.runner;
    this.sessions = parts.sessions;
    this.standings = parts.standings;
    this.records = parts.records;
    this.errors = parts.errors;
    this.#stop = parts.stop;
  }

  async join(options: Omit<ScriptedWorkerOptions, 'url' | 'workers'>): Promise<ScriptedWorker> {
    const worker = await ScriptedWorker.connect({ ...options, url: this.url, workers: this.workers });
    this.#joined.push(worker);
    return worker;
  }

  run(change: Partial<JobOrder> = {}, signal: AbortSignal = new AbortController().signal): JobHandle {
    return this.runner.run(
      {
        job: randomBytes(16).toString('hex') as JobId,
        account: 'one account',
        modelId: MODEL_ID,
        promptIds: Uint32Array.from({ length: 21 }, (_, index) => index + 1),
        sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
        maxTokens: 20,
        stopIds: [],
        quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '101' },
        requesterNonce: null,
        exclude: [],
        goesOn: true,
        continues: null,
        ...change,
      },
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    for (const worker of this.#joined) worker.vanish();
  }
}

/** All events of a job, and the error it ended with. */
export async function eventsOf(handle: JobHandle, onEvent: (event: JobEvent) => void = () => undefined): Promise<{ events: JobEvent[]; error?: unknown }> {
  const events: JobEvent[] = [];
  try {
    for await (const event of handle.events) {
      events.push(event);
      onEvent(event);
    }
    return { events };
  } catch (error) {
    return { events, error };
  }
}
