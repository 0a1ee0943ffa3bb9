import type { FastifyRequest } from 'fastify';

/** Part of the page that contributes. */
const CONTRIBUTE = '/#contribute';

/** Absolute address at which a tab joins this network: the public one, else the one that the client itself used. */
export function joinLink({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>, publicUrl: URL | undefined): string | undefined {
  const link = publicUrl === undefined ? URL.parse(`${protocol}://${host}${CONTRIBUTE}`) : new URL(CONTRIBUTE, publicUrl);
  return link?.href;
}
