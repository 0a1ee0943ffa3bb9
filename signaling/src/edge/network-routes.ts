import type { FastifyInstance } from 'fastify';
import type { Instance } from '../cluster/instance.ts';
import type { SchedulerStatus } from '../scheduler/job-runner.ts';
import type { StageStatus } from '../scheduler/slot.ts';
import type { WorkerFigures } from '../scheduler/worker-turnout.ts';
import type { PublicNode } from '../sessions/node-records.ts';
import type { NodeProfile } from './node-profile.ts';
import type { ShardedModels } from './models-routes.ts';

/** Ports: what the network looks like now. */
export interface NetworkView {
  readonly network: string;
  /** Commit that runs, if it is known. */
  readonly commit?: string;
  status(): SchedulerStatus;
  /** Tabs that must still come before a model could be placed over those that are here; undefined when it is not served. */
  missing(modelId: string): number | undefined;
  /** Open sockets, greeted or not. */
  connections(): number;
  /** All coordinators of the network, where it has several (SPEC Z1). */
  readonly instances?: () => readonly Instance[];
  nodes(): Promise<readonly (PublicNode & { readonly profile: NodeProfile | null })[]>;
}

/** `GET /health` and `GET /v1/nodes` (public records, newest first). */
export function networkRoutes(app: FastifyInstance, view: NetworkView, models: ShardedModels): void {
  app.get('/health', async (_request, reply) => {
    const { workers, placed, spare, standby, missing, ready, running, queued, stages, figures, links, rings } = view.status();
    // Of the first ring: it holds the default model, as all others do, unless a waiting job wants another.
    const turnedOut = new Map(figures.map((each) => [each.worker, each] as const));
    const shown = shownStages(stages, turnedOut);
    reply.header('cache-control', 'no-store');
    return {
      status: 'ok',
      network: view.network,
      ...(view.commit === undefined ? {} : { commit: view.commit }),
      ...(view.instances === undefined ? {} : { instances: view.instances().map(({ number, said }) => ({ number, ...said })) }),
      connections: view.connections(),
      workers,
      spare,
      standby: { ranges: standby, workers: figures.filter((each) => each.standby?.ready === true).length },
      placed,
      missing,
      running,
      queue: queued,
      rings: rings.map((ring) => ({ number: ring.number, ready: ring.ready, running: ring.running, spares: ring.spares, standby: ring.standby, stages: shownStages(ring.stages, turnedOut) })),
      // `route` turn: through a TURN server; relay: through this coordinator. `loss`: of the browsers' own probes, null where none says.
      links: links.map(({ ends, open, route, rttMs, loss }) => ({ ends, open, route, rtt_ms: rttMs, loss })),
      models: models.list().map(({ id, manifest }, index) => ({ id, name: manifest.name, layers: manifest.architecture.layers, ready: index === 0 && ready, missing: view.missing(id) ?? 0, stages: index === 0 ? shown : [] })),
    };
  });

  app.get('/v1/nodes', async () => {
    const serving = new Map(view.status().rings.flatMap(({ number, stages }) => stages.map(({ worker }) => [worker, number] as const)));
    // `ring`: the one that it has a stage of now; null where it stands by, audits or is not here.
    return { object: 'list', data: (await view.nodes()).map((node) => ({ ...node, ring: serving.get(node.node_id) ?? null })) };
  });
}

/** Stages that have a worker. */
function shownStages(stages: readonly StageStatus[], turnedOut: ReadonlyMap<string, WorkerFigures>) {
  return stages.flatMap(({ worker, layers, shards, loadedBytes, totalBytes }) => (worker === null ? [] : [{ worker, layers, ready: shards === 'ready', loaded_bytes: loadedBytes, total_bytes: totalBytes, ...timesOf(turnedOut.get(worker)) }]));
}

/** What a stage's worker said of its speed, and how much slower it turned out to be. */
function timesOf(found: WorkerFigures | undefined): { readonly layer_ms: number | null; readonly layer_ms_16: number | null; readonly slower: number | null } {
  return { layer_ms: found?.layerMs ?? null, layer_ms_16: found?.layerMs16 ?? null, slower: found?.slower ?? null };
}
