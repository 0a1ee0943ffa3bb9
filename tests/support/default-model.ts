import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, modelFolder } from '../../signaling/src/models/cache-folder.ts';
import { DEFAULT_MODEL } from '../../signaling/src/models/default-model.ts';

const path = join(modelFolder(cacheFolder(), DEFAULT_MODEL.sha256), DEFAULT_MODEL.fileName);

/** The default model in the cache, where `npm start` and `npm test` put it; undefined on a machine that never fetched it. */
export const DEFAULT_MODEL_PATH: string | undefined = existsSync(path) ? path : undefined;

/** For the name of a test that needs the file: says why it was skipped. */
export const NEEDS_DEFAULT_MODEL: string = DEFAULT_MODEL_PATH === undefined ? ` (skipped: ${DEFAULT_MODEL.fileName} is not in the cache)` : '';
