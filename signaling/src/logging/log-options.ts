import { randomBytes } from 'node:crypto';
import { errorFields } from './error-fields.ts';
import { addressHash, CENSOR, REDACTED_PATHS, withoutSecrets } from './redaction.ts';

/** Where finished lines go. `process.stderr` is one. */
export interface LogSink {
  write(line: string): unknown;
}

const ADDRESS_KEY_BYTES = 32;
const REQUEST_ID_BYTES = 8;

/** The log of one start: pino's options for Fastify, and how an address is named in it. The key of addresses is forgotten with the process. */
export function logOptions(level: string | undefined, sink: LogSink) {
  const key = randomBytes(ADDRESS_KEY_BYTES);
  return {
    hashAddress: (address: string): string => addressHash(address, key),
    logger: {
      level: level ?? 'warn',
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
      redact: { paths: [...REDACTED_PATHS], censor: CENSOR },
      serializers: { err: errorFields, req: () => ({}), res: () => ({}) },
      stream: { write: (line: string) => void sink.write(withoutSecrets(line, key)) },
    },
    genReqId: (): string => randomBytes(REQUEST_ID_BYTES).toString('hex'),
  };
}
