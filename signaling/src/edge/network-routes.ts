import type { FastifyInstance } from 'fastify';
import type { SchedulerStatus } from '../scheduler/job-runner.ts';
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
  nodes(): Promise<readonly (PublicNode & { readonly profile: NodeProfile | null })[]>;
}

/** `GET /health` and `GET /v1/nodes` (public records, newest first). */
export function networkRoutes(app: FastifyInstance, view: NetworkView, models: ShardedModels): void {
  app.get('/health', async (_request, reply) => {
    const { workers, placed, spare, standby, missing, ready, running, queued, stages, figures, links } = view.status();
    // Only one model is placed at a time, the default one unless a waiting job wants another.
    const shown = stages.flatMap(({ worker, layers, shards, loadedBytes, totalBytes }) => (worker === null ? [] : [{ worker, layers, ready: shards === 'ready', loaded_bytes: loadedBytes, total_bytes: totalBytes, ...timesOf(figures, worker) }]));
    reply.header('cache-control', 'no-store');
    return {
      status: 'ok',
      network: view.network,
      ...(view.commit === undefined ? {} : { commit: view.commit }),
      connections: view.connections(),
      workers,
      spare,
      standby: { ranges: standby, workers: figures.filter((each) => each.standby?.ready === true).length },
      placed,
      missing,
      running,
      queue: queued,
      // `route` turn: through a TURN server; relay: through this coordinator. `loss`: of the browsers' own probes, null where none says.
      links: links.map(({ ends, open, route, rttMs, loss }) => ({ ends, open, route, rtt_ms: rttMs, loss })),
      models: models.list().map(({ id, manifest }, index) => ({ id, name: manifest.name, layers: manifest.architecture.layers, ready: index === 0 && ready, missing: view.missing(id) ?? 0, stages: index === 0 ? shown : [] })),
    };
  });

  app.get('/v1/nodes', async () => ({ object: 'list', data: await view.nodes() }));
}

/** What a stage's worker said of its speed, and how much slower it turned out to be. */
function timesOf(figures: SchedulerStatus['figures'], worker: string): { readonly layer_ms: number | null; readonly layer_ms_16: number | null; readonly slower: number | null } {
  const found = figures.find((each) => each.worker === worker);
  return { layer_ms: found?.layerMs ?? null, layer_ms_16: found?.layerMs16 ?? null, slower: found?.slower ?? null };
}
