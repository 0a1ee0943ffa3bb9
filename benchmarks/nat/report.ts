import { median } from '../figures/figure.ts';
import type { BenchReport } from '../result.ts';
import type { RouterKind } from './routers.ts';

/** Servers that tabs were told of. */
export type Servers = 'STUN and TURN' | 'STUN only';

/** One meeting of two tabs. */
export interface Meeting {
  readonly routers: readonly [RouterKind, RouterKind];
  readonly servers: Servers;
  /** As the coordinator shows it; undefined when no link was open in time. */
  readonly route: string | undefined;
  /** As the two pages show it. */
  readonly shown: readonly string[];
  /** From the first order to connect to the last end's word that it is open. */
  readonly connectMs: number;
}

type Value = BenchReport['values'][string];

/** A row for each pair of routers and servers. */
export function rowsOf(meetings: readonly Meeting[], mappings: ReadonlyMap<RouterKind, string>): BenchReport['rows'] {
  const groups = Map.groupBy(meetings, ({ routers, servers }) => `${routers.join(' – ')}|${servers}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const open = group.filter(({ route }) => route !== undefined);
    return {
      routers: first.routers.join(' – '),
      mapping: first.routers.map((kind) => mappings.get(kind) ?? '').join(' – '),
      servers: first.servers,
      meetings: group.length,
      connected: open.length,
      ...Object.fromEntries(['direct', 'turn', 'relay'].map((route) => [route, open.filter((each) => each.route === route).length])),
      connect_p50_ms: open.length === 0 ? '–' : median(open.map(({ connectMs }) => connectMs)),
      connect_ms: open.map(({ connectMs }) => connectMs.toFixed(0)).join(' '),
    };
  });
}

/** What the bars are held against. */
export function valuesOf(meetings: readonly Meeting[]): Readonly<Record<'connected' | 'direct_home' | 'relay_shown', Value>> {
  const share = (of: readonly Meeting[], is: (meeting: Meeting) => boolean, none: string): Value => (of.length === 0 ? { notMeasured: none } : of.filter(is).length / of.length);
  const homes = meetings.filter(({ routers, servers }) => routers.every((kind) => kind === 'home') && servers === 'STUN and TURN');
  const detours = meetings.filter(({ route }) => route === 'turn' || route === 'relay');
  return {
    connected: share(meetings, ({ route }) => route !== undefined, 'no two tabs met'),
    direct_home: share(homes, ({ route }) => route === 'direct', 'no two tabs met behind home routers'),
    relay_shown: share(detours, ({ route, shown }) => shown.every((each) => each === route), 'no link took a detour'),
  };
}
