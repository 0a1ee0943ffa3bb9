import { chunkHashesOf } from '../models/chunk-hashes.ts';
import { namesTag, parseRange } from './byte-range.ts';
import { EdgeError } from './openai-error.ts';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** What is named by its hash never changes. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Port: a served model with the bytes of its shards. */
export interface ShardedModel {
  readonly id: string;
  readonly manifest: ModelManifest;
  shard(sha256: string): { readonly bytes: number } | undefined;
  /** Bytes `[from, to)` of a shard. */
  streamShard(sha256: string, from?: number, to?: number): Readable;
}

/** Port: the served models, the default first. */
export interface ShardedModels {
  get(nameOrId: string): ShardedModel | undefined;
  list(): readonly ShardedModel[];
}

/** `GET /v1/models`, and what tabs load: manifest and shards, in ranges if they like. */
export function modelsRoutes(app: FastifyInstance, models: ShardedModels, options: { readonly startedAt: number; readonly missing: (modelId: string) => number | undefined }): void {
  const created = Math.floor(options.startedAt / 1000);
  const shown = ({ id, manifest }: ShardedModel, index: number) => ({
    id: manifest.name,
    object: 'model',
    created,
    owned_by: 'ciro',
    model_id: id,
    // Tabs that must still come before the model can be placed over those that are here; other models may hold them now.
    ciro: { sha256: manifest.file.sha256, context: manifest.architecture.context, licence: manifest.licence, default: index === 0, missing_tabs: options.missing(id) ?? 0 },
  });

  app.get('/v1/models', async () => ({ object: 'list', data: models.list().map(shown) }));

  app.get<{ Params: { model: string } }>('/v1/models/:model', async ({ params }) => {
    const model = known(models, params.model);
    return shown(model, models.list().indexOf(model));
  });

  app.get<{ Params: { id: string } }>('/models/:id/manifest', async ({ params, headers }, reply) => {
    const model = known(models, params.id);
    const tag = `"${model.id}"`;
    // By name or `default` the answer changes with what is served; only the id is for ever.
    reply.header('etag', tag).header('cache-control', params.id === model.id ? IMMUTABLE : 'no-cache');
    return namesTag(headers['if-none-match'], tag) ? reply.code(304).send() : model.manifest;
  });

  app.get<{ Params: { id: string; sha256: string } }>('/models/:id/shards/:sha256', async ({ params, headers }, reply) => {
    const model = known(models, params.id);
    const shard = model.shard(params.sha256);
    if (shard === undefined) throw notFound(`model ${model.manifest.name} has no shard ${params.sha256.slice(0, 64)}; read its manifest again`);
    const tag = `"${params.sha256}"`;
    reply.header('etag', tag).header('cache-control', IMMUTABLE).header('accept-ranges', 'bytes');
    if (namesTag(headers['if-none-match'], tag)) return reply.code(304).send();
    const ifRange = headers['if-range'];
    const span = ifRange === undefined || namesTag(String(ifRange), tag) ? parseRange(headers.range, shard.bytes) : 'all';
    if (span === 'unsatisfiable') {
      reply.header('content-range', `bytes */${shard.bytes}`).removeHeader('cache-control');
      throw new EdgeError('range_not_satisfiable', `the range ${String(headers.range).slice(0, 60)} is not in a shard of ${shard.bytes} bytes`, { fault: 'user' });
    }
    const { from, to } = span === 'all' ? { from: 0, to: shard.bytes } : span;
    if (span !== 'all') reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${shard.bytes}`);
    reply.header('content-type', 'application/octet-stream').header('content-length', to - from);
    return reply.send(model.streamShard(params.sha256, from, to));
  });

  chunksRoute(app, models);
}

/** Route of the hashes of a shard's chunks (SPEC D4): 32 bytes each, in order. */
function chunksRoute(app: FastifyInstance, models: ShardedModels): void {
  app.get<{ Params: { id: string; sha256: string } }>('/models/:id/shards/:sha256/chunks', async ({ params }, reply) => {
    const model = known(models, params.id);
    if (model.shard(params.sha256) === undefined) throw notFound(`model ${model.manifest.name} has no shard ${params.sha256.slice(0, 64)}; read its manifest again`);
    const list = await chunkHashesOf(model, params.sha256);
    return reply.header('cache-control', IMMUTABLE).type('application/octet-stream').send(Buffer.from(list));
  });
}

function known(models: ShardedModels, nameOrId: string): ShardedModel {
  const model = models.get(nameOrId);
  if (model === undefined) throw new EdgeError('model_not_found', `model ${JSON.stringify(nameOrId.slice(0, 120))} is not served here; served: ${['default', ...models.list().map(({ manifest }) => manifest.name)].join(', ')}`, { fault: 'user', fields: { param: 'model' } });
  return model;
}

const notFound = (message: string): EdgeError => new EdgeError('not_found', message, { fault: 'user' });
