import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { ModelManifest } from './manifest.ts';

/** SHA-256 of the manifest's canonical JSON, lower-case hex: file, graph numbers, shards and calibration, in one name. */
export function modelIdOf(manifest: ModelManifest): string {
  return toHex(sha256(utf8(canonicalJson(manifest))));
}
