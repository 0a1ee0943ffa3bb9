import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Large reads: hashing is as fast as the disk, and progress is told about 100 times for the default model. */
const READ_BYTES = 1024 * 1024;

/** SHA-256 of a file, lower-case hex, read once as a stream. `onBytes` is told how many bytes are done. */
export async function fileSha256(path: string, options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void } = {}): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal: options.signal })) {
    hash.update(chunk);
    done += chunk.length;
    options.onBytes?.(done);
  }
  return hash.digest('hex');
}
