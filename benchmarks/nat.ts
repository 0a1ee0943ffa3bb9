/**
 * `npm run bench -- nat [--meetings 4]`: two tabs behind every pair of routers, each in a browser of its own in a network namespace of its own,
 * with a coturn between them. How they reach each other, how soon, and whether pages and coordinator show it. About ten minutes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selfSignedCertificate } from '../tests/support/network-certificate.ts';
import { NO_TURN, startTurnServer } from '../tests/support/turn-server.ts';
import { openInternet } from './nat/internet.ts';
import { meet } from './nat/meet.ts';
import { rowsOf, valuesOf } from './nat/report.ts';
import { ROUTER_KINDS, ROUTER_PAIRS } from './nat/routers.ts';
import { prepareParts } from './network/bench-network.ts';
import { startCoordinatorProcess } from './network/coordinator-process.ts';
import { BenchError } from './result.ts';
import type { TurnServer } from '../tests/support/turn-server.ts';
import type { Internet } from './nat/internet.ts';
import type { Meeting, Servers } from './nat/report.ts';
import type { RouterKind } from './nat/routers.ts';
import type { Parts } from './network/bench-network.ts';
import type { BenchContext } from './run.ts';
import type { BenchReport } from './result.ts';

const TURN_PORT = 3478;
/** Without TURN, two that STUN can bring together and two pairs that it cannot. */
const STUN_PAIRS: readonly (readonly [RouterKind, RouterKind])[] = [['home', 'home'], ['home', 'symmetric'], ['symmetric', 'symmetric']];

/** Runs every pair with TURN, then some without. What this machine lacks makes the bars not measured. */
export async function run({ args, signal, say }: BenchContext): Promise<BenchReport> {
  const { values } = parseArgs({ args: [...args], options: { meetings: { type: 'string', default: '4' } } });
  const count = Number(values.meetings);
  if (!Number.isInteger(count) || count < 1 || count > 100) throw new BenchError('usage: npm run bench -- nat [--meetings N, 1 to 100]');
  await using stack = new AsyncDisposableStack();
  const internet = await openInternet();
  if ('missing' in internet) return notMeasured(internet.missing);
  stack.use(internet);
  const [address, secondAddress] = internet.serverAddresses;
  const turn = await startTurnServer({ address, secondAddress, port: TURN_PORT, command: internet.serverCommand });
  if (turn === undefined) return notMeasured(NO_TURN);
  stack.use(turn);
  const folder = await mkdtemp(join(tmpdir(), 'ciro-nat-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));

  const mappings = await mappingsOf(internet);
  for (const [kind, mapping] of mappings) say(`a ${kind} router: ${mapping}`);
  const parts = await prepareParts(signal, say);
  const site = { internet, turn, folder, parts, count, say };
  const meetings = [...(await meetAll(site, 'STUN and TURN', ROUTER_PAIRS)), ...(await meetAll(site, 'STUN only', STUN_PAIRS))];
  return { seeds: [], rows: rowsOf(meetings, mappings), values: valuesOf(meetings), browser: parts.browser.version };
}

function notMeasured(reason: string): BenchReport {
  return { seeds: [], rows: [{ routers: 'none', missing: reason }], values: Object.fromEntries(['connected', 'direct_home', 'relay_shown'].map((bar) => [bar, { notMeasured: reason }])) };
}

/** What the STUN server sees of each kind: one port for every destination, or one for each. */
async function mappingsOf(internet: Internet): Promise<ReadonlyMap<RouterKind, string>> {
  const mappings = new Map<RouterKind, string>();
  for (const kind of ROUTER_KINDS) {
    const home = await internet.home(kind);
    const ports = (await home.exec(process.execPath, join(import.meta.dirname, 'nat', 'mapped-ports.mjs'), ...internet.serverAddresses.map((address) => `${address}:${TURN_PORT}`))).trim().split(' ');
    mappings.set(kind, new Set(ports).size === 1 ? 'one port' : 'a port for each');
  }
  return mappings;
}

interface Site {
  readonly internet: Internet;
  readonly turn: TurnServer;
  readonly folder: string;
  readonly parts: Parts;
  readonly count: number;
  readonly say: (line: string) => void;
}

async function meetAll({ internet, turn, folder, parts, count, say }: Site, servers: Servers, pairs: typeof STUN_PAIRS): Promise<readonly Meeting[]> {
  const certificate = await selfSignedCertificate(folder, internet.hostAddress);
  if (certificate === undefined) throw new Error('no openssl to make a certificate with, and tabs off localhost need one: apt-get install openssl');
  const { browser, modelPath, signal } = parts;
  const ice = { stun: [turn.stunUrl], turn: servers === 'STUN only' ? [] : [turn.url], turnSecret: turn.secret };
  await using coordinator = await startCoordinatorProcess({ modelPath, stages: 2, expectWorkers: 2, tls: { cert: certificate.certFile, key: certificate.keyFile }, ice }, signal);
  const url = `https://${internet.hostAddress}:${new URL(coordinator.url).port}`;
  const meetings: Meeting[] = [];
  for (const routers of pairs) {
    const homes = await Promise.all(routers.map(async (kind) => (await internet.home(kind)).wrap(browser.path, folder)));
    const browsers = homes.map((path) => ({ ...browser, path }));
    for await (const met of meet({ browsers, url, count, signal })) {
      meetings.push({ routers, servers, ...met });
      say(`${routers.join(' – ')}, ${servers}: ${met.route ?? 'NOT CONNECTED'} after ${met.connectMs.toFixed(0)} ms, shown as ${met.shown.join(' and ')}`);
    }
  }
  return meetings;
}
