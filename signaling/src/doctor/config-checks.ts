import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trustedProxies } from '../edge/client-address.ts';
import { parsePublicUrl } from '../edge/listen.ts';
import { IceServers } from '../relay/ice-servers.ts';
import { environmentOptions } from '../coordinator-options.ts';
import { readChainFile } from '../chain/chain-settings.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** Short ones are guessed. */
const LEAST_TOKEN = 24;
const DAY_MS = 86_400_000;
const LEAST_CERTIFICATE_DAYS = 14;

/** Everything that the environment sets, as a start would read it. */
export function environment(env: NodeJS.ProcessEnv): Finding {
  const { ice, publicUrl, instanceUrl, databaseUrl, tls, metricsToken, operatorToken, trustedProxies: proxies } = environmentOptions(env);
  trustedProxies(proxies);
  if (ice !== undefined) new IceServers({ now: Date.now }, ice);
  const url = publicUrl === undefined ? undefined : parsePublicUrl(publicUrl);
  if (instanceUrl !== undefined) parsePublicUrl(instanceUrl, 'CIRO_INSTANCE_URL');
  if (instanceUrl !== undefined && databaseUrl === undefined) return fail('CIRO_INSTANCE_URL is set and DATABASE_URL is not: several coordinators share one PostgreSQL database', 'give both, or neither');
  if (!tls && (env['CIRO_TLS_CERT'] || env['CIRO_TLS_KEY'])) return fail('of CIRO_TLS_CERT and CIRO_TLS_KEY one is missing', 'give both, or neither');
  if (url?.protocol === 'http:' && url.hostname !== 'localhost') return warn(`PUBLIC_URL is ${url.href}, and browsers give a page without HTTPS no WebGPU, keys or cache`, 'put a proxy with HTTPS in front (docs/operate.md) and name its address');
  for (const [name, token] of Object.entries({ CIRO_METRICS_TOKEN: metricsToken, CIRO_OPERATOR_TOKEN: operatorToken })) {
    if (token !== undefined && token.length < LEAST_TOKEN) return warn(`${name} has ${token.length} characters`, `give it ${LEAST_TOKEN} or more: openssl rand -hex 24`);
  }
  if (url !== undefined && (ice?.turn ?? []).length === 0) return warn('no TURN server: tabs that cannot reach each other go through this coordinator', 'set CIRO_TURN_URLS and CIRO_TURN_SECRET (docs/operate.md)');
  const set = ['PUBLIC_URL', 'DATABASE_URL', 'CIRO_INSTANCE_URL', 'CIRO_TLS_CERT', 'CIRO_STUN_URLS', 'CIRO_TURN_URLS', 'CIRO_TRUSTED_PROXIES', 'CIRO_METRICS_TOKEN', 'CIRO_OPERATOR_TOKEN', 'CIRO_LOG_LEVEL', 'CIRO_AUDIT_RATE', 'CIRO_PRICING', 'CIRO_PUBLIC_FILES'].filter((name) => env[name]);
  return ok(set.length === 0 ? 'nothing is set: a coordinator of this machine' : `${set.join(', ')} can be used`);
}

export async function certificate(env: NodeJS.ProcessEnv, now: number): Promise<Finding> {
  const path = env['CIRO_TLS_CERT'];
  if (!path) return ok('none is set: HTTP, or HTTPS by a proxy');
  const { validTo, subject } = new X509Certificate(await readFile(path));
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  const found = `${subject.replaceAll('\n', ', ')}, ${days >= 0 ? `valid for ${days} days` : `over since ${-days} days`}`;
  if (days < 0) return fail(found, 'renew it and start again');
  return days < LEAST_CERTIFICATE_DAYS ? warn(found, 'renew it soon') : ok(found);
}

/** The chain that commands work with: that of `CIRO_CHAIN_FILE`, else the first of `files` (paths in `folder`) that is there. */
export async function chainFile(folder: string, files: readonly { readonly path: string }[], env: NodeJS.ProcessEnv): Promise<Finding> {
  const named = env['CIRO_CHAIN_FILE'];
  const looked = named ? [{ path: named, at: named }] : files.map(({ path }) => ({ path, at: join(folder, path) }));
  for (const { path, at } of looked) {
    const file = await readChainFile(at);
    if (file !== undefined) return ok(`${file.network} at ${new URL(file.rpc).host} (${path})`);
  }
  if (named) return fail(`CIRO_CHAIN_FILE names ${named}, and there is no such file`, 'name the chain\'s file or unset it');
  return ok(`no ${looked.map(({ path }) => path).join(' or ')}: a chain of this machine, where a devnet is installed`);
}
