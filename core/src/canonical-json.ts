import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, toHex, utf8 } from './bytes.ts';

/** What may be signed or hashed: JSON without undefined. Amounts travel as decimal strings, never as floats. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * One text per value: keys sorted by UTF-16 code unit, no white space, ECMAScript number and string forms (RFC 8785).
 * Throws a TypeError that names the path of anything that is not JSON (undefined, bigint, NaN, functions).
 */
export function canonicalJson(value: unknown, path = '$'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, index) => canonicalJson(item, `${path}[${index}]`)).join(',')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, `${path}.${key}`)}`).join(',')}}`;
  }
  throw new TypeError(`${path} is ${typeof value === 'number' ? String(value) : typeof value}, which canonical JSON cannot hold`);
}

/** Domain-separated bytes of a structure: utf8(domain), one zero byte, canonical JSON (SPEC H1). These are what gets signed. */
export function domainBytes(domain: string, value: unknown): Uint8Array {
  return concatBytes(utf8(domain), Uint8Array.of(0), utf8(canonicalJson(value)));
}

/** SHA-256 of `domainBytes`, lower-case hex (SPEC H1). */
export function domainHash(domain: string, value: unknown): string {
  return toHex(sha256(domainBytes(domain, value)));
}
