import { CiroError } from '@ciro/core/errors.ts';
import type { FastifyInstance } from 'fastify';

/** Why the coordinator has no address. */
export class AddressError extends CiroError<'port-in-use' | 'bad-public-url' | 'bad-proxy'> {}

/** Listens on `host`, or on every address of this machine; gives the port. Throws `port-in-use`. `port` 0 takes a free one. */
export async function listen(app: FastifyInstance, { port, host }: { readonly port: number; readonly host?: string }): Promise<number> {
  // A machine without IPv6 has no `::`.
  const hosts = host === undefined ? ['::', '0.0.0.0'] : [host];
  for (const [attempt, address] of hosts.entries()) {
    try {
      await app.listen({ port, host: address });
      break;
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (code === 'EADDRINUSE') throw new AddressError('port-in-use', `port ${port} is taken by another program; stop it, or start with another PORT`, { fault: 'user', fields: { port }, cause });
      if (attempt === hosts.length - 1) throw cause;
    }
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Reads `PUBLIC_URL`, or another setting of that form: an http or https origin. Throws `bad-public-url`. */
export function parsePublicUrl(text: string, setting = 'PUBLIC_URL'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.username === '') return url;
  throw new AddressError('bad-public-url', `${setting} is ${JSON.stringify(text.slice(0, 200))}; give a scheme and a host, e.g. https://ciro.example.org`, { fault: 'user' });
}
