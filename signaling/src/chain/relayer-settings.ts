import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { FeltSchema } from './felt.ts';
import { ownPolicy } from './own-policy.ts';
import { parsePolicy } from './policy.ts';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { RelayerOptions } from './start-relayer.ts';

/** A setting of who pays for workers' actions is there and cannot be used; the text names the setting and never what it holds. */
export class RelayerSettingsError extends CiroError<'bad-relayer'> {}

export type RelayerSettings = Pick<RelayerOptions, 'nodeUrl' | 'chainId' | 'policy' | 'backEnd'>;

const Keys = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((pair) => pair.trim().split(':'))),
  v.pipe(v.array(v.pipe(v.tuple([FeltSchema, FeltSchema]), v.transform(([address, privateKey]) => ({ address, privateKey })))), v.minLength(1), v.maxLength(16)),
);

/**
 * Who pays for workers' actions: the accounts of `CIRO_RELAYER_KEYS` through the Paymaster contract, or the service that `CIRO_PAYMASTER_URL`,
 * `CIRO_PAYMASTER_KEY` and `CIRO_PAYMASTER_FORWARDER` name; a devnet's own relayer when neither is set; else nobody, and undefined.
 * Throws RelayerSettingsError.
 */
export function readRelayerSettings(env: NodeJS.ProcessEnv, { rpc, door, local, own }: { readonly rpc: string; readonly door: ChainDoor; readonly local: boolean; readonly own: { readonly address: string; readonly privateKey: string | undefined } }): RelayerSettings | undefined {
  const set = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const policy = ownPolicy(door, { local, strkPerDay: set('CIRO_SPONSOR_STRK_PER_DAY') });
  try {
    parsePolicy(policy);
  } catch (cause) {
    throw wrong(`CIRO_SPONSOR_STRK_PER_DAY is no amount of STRK from 0.5 on, such as 5 or 0.75`, cause);
  }
  const shared = { nodeUrl: rpc, chainId: door.chainId, policy };
  const [url, apiKey, forwarder, keys] = ['CIRO_PAYMASTER_URL', 'CIRO_PAYMASTER_KEY', 'CIRO_PAYMASTER_FORWARDER', 'CIRO_RELAYER_KEYS'].map(set);
  if (url !== undefined) {
    if (keys !== undefined) throw wrong('CIRO_RELAYER_KEYS and CIRO_PAYMASTER_URL are both set; one of them pays');
    const known = v.safeParse(FeltSchema, forwarder);
    if (!v.is(v.pipe(v.string(), v.url()), url) || apiKey === undefined || !known.success) throw wrong('another paymaster needs CIRO_PAYMASTER_URL, CIRO_PAYMASTER_KEY and CIRO_PAYMASTER_FORWARDER (the contract that hands in what workers sign, 0x hex); one of them is missing or is none');
    return { ...shared, backEnd: { kind: 'upstream', url, apiKey, forwarder: known.output } };
  }
  if (keys !== undefined) {
    const parsed = v.safeParse(Keys, keys);
    if (!parsed.success) throw wrong('CIRO_RELAYER_KEYS is no list of accounts that have the Paymaster’s RELAYER role, as 0xADDRESS:0xKEY,0xADDRESS:0xKEY');
    return { ...shared, backEnd: { kind: 'local', senders: parsed.output, forwarder: door.forwarder } };
  }
  if (own.privateKey === undefined) return undefined;
  const sender = { address: v.parse(FeltSchema, own.address), privateKey: own.privateKey };
  return { ...shared, backEnd: { kind: 'local', senders: [sender], forwarder: door.forwarder } };
}

const wrong = (what: string, cause?: unknown): RelayerSettingsError => new RelayerSettingsError('bad-relayer', `${what}; see Settings in README.md`, { fault: 'user', cause });
