import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { parseManifest } from '@ciro/core/model/parse-manifest.ts';
import { readBody } from './read-body.ts';
import { ShardError } from './shard-error.ts';
import { MAX_MANIFEST_BYTES } from './shard-limits.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Fetches a model's manifest and checks that it is the one its id stands for: whatever it says of shards, sizes and
 * calibration is then what everybody else has. `base`: the coordinator's URL, ending in a slash.
 *
 * @throws ShardError `unreachable`, `http-status`, `too-large`, `wrong-model` or `aborted`
 * @throws ModelError `bad-manifest` or `bad-calibration`
 */
export async function fetchManifest(fetch: Fetch, base: string, modelId: string, signal: AbortSignal): Promise<ModelManifest> {
  const response = await request(fetch, `${base}models/${modelId}/manifest`, { signal });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await readBody(response, MAX_MANIFEST_BYTES)));
  } catch (cause) {
    if (cause instanceof ShardError) throw cause;
    throw new ShardError('wrong-model', `The manifest of model ${modelId} is not JSON; its server is faulty or hostile.`, { fault: 'peer', cause });
  }
  const manifest = parseManifest(value);
  const id = modelIdOf(manifest);
  if (id !== modelId) {
    throw new ShardError('wrong-model', `The manifest that came for model ${modelId} is that of ${id}; don't use this coordinator.`, { fault: 'peer', fields: { modelId, got: id } });
  }
  return manifest;
}

/** A response with a body to read. Throws ShardError `unreachable`, `http-status` or `aborted`. */
export async function request(fetch: Fetch, url: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw stopped(init.signal, url) ?? new ShardError('unreachable', `${url} could not be reached; check the connection to the coordinator.`, { fault: 'platform', cause });
  }
  if (!response.ok) {
    throw new ShardError('http-status', `${url} answered ${response.status}; the coordinator does not serve it.`, { fault: 'peer', fields: { status: response.status } });
  }
  return response;
}

/** The error of an aborted wait, or undefined if it was not aborted. */
export function stopped(signal: AbortSignal, what: string): ShardError | undefined {
  return signal.aborted ? new ShardError('aborted', `${what} is not waited for any more.`, { fault: 'abort', cause: signal.reason }) : undefined;
}
