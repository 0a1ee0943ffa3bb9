import type { FastifyInstance } from 'fastify';
import type { SchedulerStatus } from '../scheduler/job-runner.ts';
import type { PublicNode } from '../sessions/node-records.ts';
import type { ShardedModels } from './models-routes.ts';

/** Ports: what the network looks like now. */
export interface NetworkView {
  readonly network: string;
  /** Commit that runs, if it is known. */
  readonly commit?: string;
  status(): SchedulerStatus;
  /** Open sockets, greeted or not. */
  connections(): number;
  nodes(): Promise<readonly PublicNode[]>;
}

/** `GET /health` and `GET /v1/nodes` (public records, newest first). */
export function networkRoutes(app: FastifyInstance, view: NetworkView, models: ShardedModels): void {
  app.get('/health', async (_request, reply) => {
    const { workers, placed, spare, missing, ready, running, queued, stages, links } = view.status();
    // Only one model is placed at a time, the default one unless a waiting job wants another.
    const shown = stages.flatMap(({ worker, layers, shards, loadedBytes, totalBytes }) => (worker === null ? [] : [{ worker, layers, ready: shards === 'ready', loaded_bytes: loadedBytes, total_bytes: totalBytes }]));
    reply.header('cache-control', 'no-store');
    return {
      status: 'ok',
      network: view.network,
      ...(view.commit === undefined ? {} : { commit: view.commit }),
      connections: view.connections(),
      workers,
      spare,
      placed,
      missing,
      running,
      queue: queued,
      // `route` turn: through a TURN server; relay: through this coordinator. `loss`: of the browsers' own probes, null where none says.
      links: links.map(({ ends, open, route, rttMs, loss }) => ({ ends, open, route, rtt_ms: rttMs, loss })),
      models: models.list().map(({ id, manifest }, index) => ({ id, name: manifest.name, layers: manifest.architecture.layers, ready: index === 0 && ready, stages: index === 0 ? shown : [] })),
    };
  });

  app.get('/v1/nodes', async () => ({ object: 'list', data: await view.nodes() }));
}
