import { ShardError } from './shard-error.ts';

/**
 * The body of a response as it streams in, never more than `mostBytes` of it. `onBytes` is told after each chunk how many
 * came so far. Throws ShardError `too-large`; what the stream itself throws (a lost connection, an abort) passes through.
 */
export async function readBody(response: Response, mostBytes: number, onBytes: (bytes: number) => void = () => undefined): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  // One buffer of the expected size: chunks that are put together at the end would hold everything twice.
  const body = new Uint8Array(mostBytes);
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (bytes + next.value.length > mostBytes) {
      const error = new ShardError('too-large', `${response.url} gives more than the ${mostBytes} bytes it should have; its server is faulty or hostile.`, { fault: 'peer', fields: { mostBytes } });
      await reader.cancel(error);
      throw error;
    }
    body.set(next.value, bytes);
    bytes += next.value.length;
    onBytes(bytes);
  }
  return bytes === mostBytes ? body : body.slice(0, bytes);
}
