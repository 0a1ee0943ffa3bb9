import * as v from 'valibot';
import { HexHash } from '@ciro/core/ids.ts';
import { likelyBytes, manifestSizes, modelBytes } from '../../participant/download-estimate.ts';

const Models = v.object({ data: v.array(v.object({ id: v.pipe(v.string(), v.maxLength(120)), model_id: HexHash, ciro: v.object({ default: v.boolean() }) })) });

/** The network's default model, as far as the page speaks of it. */
export interface ServedModel {
  /** Name that requests use. */
  readonly name: string;
  readonly layers: number;
  /** The whole model as downloaded; 0 when not told, as are the others. */
  readonly bytes: number;
  /** The most that one tab is likely to download of it, in bytes. */
  readonly likelyBytes: number;
}

/** The default model with its sizes; undefined while the coordinator cannot be reached or serves none. */
export async function fetchServedModel(base: string, signal: AbortSignal): Promise<ServedModel | undefined> {
  const models = v.safeParse(Models, await getJson(new URL('v1/models', base), signal));
  if (!models.success) return undefined;
  const model = models.output.data.find(({ ciro }) => ciro.default);
  if (model === undefined) return undefined;
  const sizes = manifestSizes(await getJson(new URL(`models/${model.model_id}/manifest`, base), signal));
  if (sizes === undefined) return { name: model.id, layers: 0, bytes: 0, likelyBytes: 0 };
  return { name: model.id, layers: sizes.architecture.layers, bytes: modelBytes(sizes), likelyBytes: likelyBytes(sizes) };
}

async function getJson(url: URL, signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(url, { signal });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined; // offline: the page says so elsewhere
  }
}
