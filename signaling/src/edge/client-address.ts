import { BlockList, isIP } from 'node:net';
import { AddressError } from './listen.ts';

/** Proxies that are believed about who their client is: those of this machine, and those that the operator names. */
export type TrustsProxy = (address: string) => boolean;

/** Reads `CIRO_TRUSTED_PROXIES`: addresses and networks like `172.28.0.0/24`, separated by spaces or commas. Throws `bad-proxy`. */
export function trustedProxies(text = ''): TrustsProxy {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  for (const entry of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const [address = '', prefix, ...more] = entry.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === 0 || more.length > 0 || bits < 1 || bits > most) {
      throw new AddressError('bad-proxy', `${JSON.stringify(entry.slice(0, 100))} in CIRO_TRUSTED_PROXIES is no address or network; give one like 172.28.0.0/24`, { fault: 'user' });
    }
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    const plain = unmapped(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Who is behind a connection: the nearest address that is no trusted proxy's. What a client itself claims lies beyond it and is not read. */
export function clientAddress(remote: string, forwardedFor: string | readonly string[] | undefined, trusts: TrustsProxy): string {
  const told = [forwardedFor ?? []].flat().join(',').split(',').map((each) => each.trim()).filter((each) => isIP(each) !== 0);
  let address = remote;
  while (trusts(address)) {
    const next = told.pop();
    if (next === undefined) break;
    address = next;
  }
  return unmapped(address);
}

const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
