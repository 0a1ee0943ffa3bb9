import { expect, it } from 'vitest';
import { rowsOf, valuesOf } from './report.ts';
import { ROUTER_PAIRS } from './routers.ts';
import type { Meeting } from './report.ts';

const meeting = (change: Partial<Meeting>): Meeting => ({ routers: ['home', 'home'], servers: 'STUN and TURN', route: 'direct', shown: ['direct', 'direct'], connectMs: 100, ...change });

it('counts who met, who met directly, and detours that every face shows', () => {
  const meetings = [
    meeting({}),
    meeting({ route: 'turn', shown: ['turn', 'turn'], connectMs: 300 }),
    meeting({ routers: ['home', 'symmetric'], route: 'turn', shown: ['turn', 'direct'] }),
    meeting({ routers: ['symmetric', 'symmetric'], route: undefined, shown: [], connectMs: Number.NaN }),
  ];
  expect(valuesOf(meetings)).toEqual({ connected: 0.75, direct_home: 0.5, relay_shown: 0.5 });
  expect(rowsOf(meetings, new Map([['home', 'kept']]))[0]).toMatchObject({ routers: 'home – home', mapping: 'kept – kept', meetings: 2, connected: 2, direct: 1, turn: 1, relay: 0, connect_p50_ms: 200 });
  expect(rowsOf(meetings, new Map())[2]).toMatchObject({ connected: 0, connect_p50_ms: '–' });
});

it('claims nothing of meetings that never were', () => {
  expect(Object.values(valuesOf([]))).toEqual(['no two tabs met', 'no two tabs met behind home routers', 'no link took a detour'].map((notMeasured) => ({ notMeasured })));
});

it('pairs every kind with itself and with each other one, once', () => {
  expect(ROUTER_PAIRS.map((pair) => pair.join())).toEqual(['home,home', 'home,masquerade', 'home,symmetric', 'masquerade,masquerade', 'masquerade,symmetric', 'symmetric,symmetric']);
});
