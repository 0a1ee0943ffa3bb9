import type { HexHash } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** A served model. */
export interface ServedModel {
  readonly id: HexHash;
  readonly manifest: ModelManifest;
}

/** Port: the models that are served. `default` is the one workers measure and hold. */
export interface Models {
  default(): ServedModel;
  get(id: HexHash): ServedModel | undefined;
}
