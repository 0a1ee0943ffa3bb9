import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { addressBlock } from '../sessions/address-block.ts';

/** Fields of a log line that are never written, at the top and one level down, whoever logs them (SPEC O3). */
export const REDACTED_FIELDS = [
  'authorization', 'cookie', 'headers', 'body', 'query', 'prompt', 'messages', 'content', 'text', 'input', 'output', 'request_body',
  'key', 'apiKey', 'api_key', 'trialKey', 'token', 'ticket', 'secret', 'password', 'privateKey', 'private_key', 'databaseUrl', 'nonce',
] as const;
export const CENSOR = '[left out]';
export const REDACTED_PATHS: readonly string[] = REDACTED_FIELDS.flatMap((field) => [field, `*.${field}`]);

/** Hex digits of an address' hash: 64 bits, so that two addresses of one start do not meet. */
const ADDRESS_DIGITS = 16;

/** Names an address in the log: equal ones alike while this key is used, and nobody without the key can find out which it was. */
export function addressHash(address: string, key: Uint8Array): string {
  return `a-${createHmac('sha256', key).update(addressBlock(address)).digest('hex').slice(0, ADDRESS_DIGITS)}`;
}

const SECRETS: readonly RegExp[] = [
  /ciro-[a-z]{2,8}-[A-Za-z0-9_-]{20,}/g,
  /\bBearer +[^\s"\\]+/gi,
  // The password of a URL, as in DATABASE_URL.
  /(?<=\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*:)[^\s@/"\\]+(?=@)/gi,
  /-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g,
];
const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi;

/** A finished log line without keys, tokens, passwords and addresses, whichever field they came in. This machine's own addresses stay. */
export function withoutSecrets(line: string, key: Uint8Array): string {
  const hashed = (found: string): string => (isIP(found) === 0 || isOwn(found) ? found : addressHash(found, key));
  const cut = SECRETS.reduce((text, secret) => text.replace(secret, CENSOR), line);
  return cut.replace(IPV4, hashed).replace(IPV6, hashed);
}

const isOwn = (address: string): boolean => address.startsWith('127.') || address === '::1' || address === '::' || address === '0.0.0.0';
