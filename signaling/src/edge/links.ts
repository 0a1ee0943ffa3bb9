import type { FastifyRequest } from 'fastify';

/** Part of the page that contributes. */
const CONTRIBUTE = '/#contribute';

/** Absolute address at which a tab joins this network: the public one, else the one that the client itself used. */
export function joinLink({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>, publicUrl: URL | undefined): string | undefined {
  const link = publicUrl === undefined ? URL.parse(`${protocol}://${host}${CONTRIBUTE}`) : new URL(CONTRIBUTE, publicUrl);
  return link?.href;
}

/** Where a job stands: its path below the API's address. */
export const trackingPath = (job: string): string => `/v1/jobs/${job}`;

/** The same as a whole address, as this client reaches us; the path where that cannot be told. */
export function trackingUrl({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>, publicUrl: URL | undefined, job: string): string {
  const path = trackingPath(job);
  return URL.parse(path, publicUrl?.href ?? `${protocol}://${host}`)?.href ?? path;
}
