import type { FastifyRequest } from 'fastify';

/** `localhost`, its subdomains, 127.0.0.0/8 and ::1: browsers give these a secure context without TLS. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/**
 * Whether a page opened at this request's address gets a secure context, without which there is no WebGPU, no
 * `crypto.subtle` and no cache. Behind a proxy that ends TLS, `publicUrl` says so, unless the proxy says otherwise.
 */
export function isSecureOrigin(request: Pick<FastifyRequest, 'headers'> & { readonly encrypted: boolean }, publicUrl: URL | undefined): boolean {
  const host = request.headers.host ?? '';
  if (request.encrypted || isLoopback(host)) return true;
  return publicUrl?.protocol === 'https:' && host === publicUrl.host && request.headers['x-forwarded-proto'] !== 'http';
}
