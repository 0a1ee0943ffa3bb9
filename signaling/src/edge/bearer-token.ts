import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header shows this token. Compares hashes: the time it takes says nothing of the token, nor of its length. */
export function showsToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}
