/**
 * Kinds of router, by what Linux can be told (the names of RFC 4787 in brackets). All of them translate by conntrack, whose entries are of a
 * source and a destination; so mappings are endpoint-independent as far as the source port is kept for every destination, which it is while
 * no two machines behind the router use the same one.
 *
 * `home`: keeps the source port [endpoint-independent mapping], lets in what was asked for [address- and port-dependent filtering] and drops the
 * rest before conntrack remembers it, as routers for homes do. No port is opened by hand, and there is no UPnP.
 *
 * `masquerade`: the same translation with no firewall, as `iptables -t nat -A POSTROUTING -j MASQUERADE` gives it. A probe that comes before the
 * tab's own takes the port for the router itself; the tab's own then leaves from another one [a mapping that changes].
 *
 * `symmetric`: a new random port for every destination [address- and port-dependent mapping], and the firewall, as of many phone networks.
 */
export const ROUTER_KINDS = ['home', 'masquerade', 'symmetric'] as const;
export type RouterKind = (typeof ROUTER_KINDS)[number];

const FIREWALL: readonly (readonly string[])[] = [
  ['-A', 'INPUT', '-i', 'wan', '-j', 'DROP'],
  ['-A', 'FORWARD', '-i', 'wan', '-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT'],
  ['-A', 'FORWARD', '-i', 'wan', '-j', 'DROP'],
];
const masquerade = (...more: readonly string[]): readonly string[] => ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'wan', '-j', 'MASQUERADE', ...more];

/** Arguments of iptables, one call each; `wan` is the interface to the outside. */
export function routerRules(kind: RouterKind): readonly (readonly string[])[] {
  switch (kind) {
    case 'home':
      return [masquerade(), ...FIREWALL];
    case 'masquerade':
      return [masquerade()];
    case 'symmetric':
      return [masquerade('--random-fully'), ...FIREWALL];
  }
}

/** Every pair of kinds, a kind with itself first. */
export const ROUTER_PAIRS: readonly (readonly [RouterKind, RouterKind])[] = ROUTER_KINDS.flatMap((a, index) => ROUTER_KINDS.slice(index).map((b) => [a, b] as const));
