import { randomBytes } from 'node:crypto';
import Fastify from 'fastify';
import { AccountChecks } from './account-checks.ts';
import { LocalBackEnd } from './local-back-end.ts';
import { Metrics } from './metrics.ts';
import { Newcomers } from './newcomers.ts';
import { paymasterPlugin } from './paymaster-plugin.ts';
import { PaymasterService } from './paymaster-service.ts';
import { parsePolicy } from './policy.ts';
import { Quotas } from './quotas.ts';
import { Senders } from './senders.ts';
import { StarknetChain } from './starknet-chain.ts';
import { Tickets } from './tickets.ts';
import { UpstreamBackEnd } from './upstream-back-end.ts';
import { UpstreamRpc } from './upstream-rpc.ts';
import { systemClock } from '../sessions/clock.ts';
import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../sessions/clock.ts';
import type { BackEnd } from './back-end.ts';
import type { Chain } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { RelayerInfo } from './paymaster-plugin.ts';
import type { MetricsSnapshot } from './metrics.ts';
import type { Fetch } from './node-rpc.ts';
import type { Policy, PolicyData } from './policy.ts';
import type { DaySpend } from './quotas.ts';
import type { BalanceAlarm } from './senders.ts';
import type { SenderKey } from './starknet-chain.ts';

/** Own accounts through the Paymaster contract, or another paymaster. */
export type BackEndOptions =
  | { readonly kind: 'local'; readonly senders: readonly SenderKey[]; /** The Paymaster contract; without it the one sender calls accounts itself. */ readonly forwarder?: Felt }
  | { readonly kind: 'upstream'; readonly url: string; readonly apiKey: string; readonly forwarder: Felt };

export interface RelayerOptions {
  /** RPC 0.9 or newer. */
  readonly nodeUrl: string;
  /** The chain that the node has to be of, e.g. 0x534e5f5345504f4c4941. */
  readonly chainId: Felt;
  readonly policy: PolicyData;
  readonly backEnd: BackEndOptions;
  /** At least 32 bytes that stay over restarts, or tickets end with this process; random when absent. */
  readonly ticketKey?: Uint8Array;
  /** What was spent before a restart, and where to keep what is. */
  readonly spent?: DaySpend;
  readonly onSpent?: (spend: DaySpend) => void;
  /** A sender is short of STRK: tell the operator. */
  readonly onAlarm?: (alarm: BalanceAlarm) => void;
  readonly clock?: Clock;
  readonly fetch?: Fetch;
  /** Listens by itself, at `/paymaster`; without it the plugin is to be mounted. Port 0 takes a free one. */
  readonly listen?: { readonly port: number; readonly host?: string };
}

export interface Relayer {
  /** For the coordinator's HTTP server: `app.register(relayer.plugin, { prefix: '/paymaster' })`. */
  readonly plugin: FastifyPluginAsync;
  /** Where it listens by itself: `http://…/paymaster`. */
  readonly url: string | undefined;
  readonly chainId: Felt;
  readonly forwarder: Felt;
  /** A ticket for the account of a worker that is connected; single use. */
  issueTicket(account: Felt): string;
  metrics(): MetricsSnapshot;
  info(): RelayerInfo;
  /** Takes nothing more; what is under way stays in the network's hands. */
  close(): Promise<void>;
}

/** Starts the relayer. Throws `bad-policy`, `bad-options`, `wrong-chain`, or what keeps the node from being asked. */
export async function startRelayer(options: RelayerOptions): Promise<Relayer> {
  const policy = parsePolicy(options.policy);
  const clock = options.clock ?? systemClock;
  const now = (): number => clock.now();
  const { nodeUrl, chainId, backEnd: kind } = options;
  const chain = await StarknetChain.open({ nodeUrl, chainId, senders: kind.kind === 'local' ? kind.senders : [], ...(options.fetch && { fetch: options.fetch }) });
  const quotas = new Quotas(policy, { now, ...(options.spent && { spent: options.spent }), ...(options.onSpent && { onSpent: options.onSpent }) });
  const metrics = new Metrics();
  const backEnd = makeBackEnd(options, { chain, policy, clock, metrics, onCharge: (fri) => quotas.charge(fri) });
  const tickets = new Tickets(options.ticketKey ?? randomBytes(32), chainId, { now });
  const newcomers = new Newcomers(policy.newAccounts, { tickets, chainId, now });
  const service = new PaymasterService({ chainId, policy, quotas, newcomers, accounts: new AccountChecks(chain, policy, { now }), backEnd, metrics, now });

  const snapshot = (): MetricsSnapshot => {
    const { spent, reserved } = quotas.today;
    return metrics.snapshot({ today: { spentFri: String(spent), reservedFri: String(reserved), limitFri: String(policy.strkPerDay) }, queued: backEnd.queued, busySenders: backEnd.busySenders });
  };
  const info = (): RelayerInfo => ({ chainId, forwarder: backEnd.forwarder, newAccounts: { ...policy.newAccounts, slot: newcomers.slot }, metrics: snapshot() });
  const plugin = paymasterPlugin({ service, info });
  const alone = options.listen === undefined ? undefined : await listenAlone(plugin, options.listen);
  return {
    plugin,
    url: alone?.url,
    chainId,
    forwarder: backEnd.forwarder,
    issueTicket: (account) => tickets.issue(account),
    metrics: snapshot,
    info,
    close: async () => {
      await alone?.close();
      await backEnd.close();
    },
  };
}

interface Parts {
  readonly chain: Chain;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly onCharge: (fri: bigint) => void;
}

function makeBackEnd({ backEnd, onAlarm, fetch }: RelayerOptions, parts: Parts): BackEnd {
  if (backEnd.kind === 'upstream') return new UpstreamBackEnd({ ...parts, forwarder: backEnd.forwarder, rpc: new UpstreamRpc({ url: backEnd.url, apiKey: backEnd.apiKey, fetch }) });
  const senders = new Senders(backEnd.senders.map(({ address }) => address), { ...parts, now: () => parts.clock.now(), onAlarm: onAlarm ?? (() => {}) });
  return new LocalBackEnd({ ...parts, senders, forwarder: backEnd.forwarder });
}

async function listenAlone(plugin: FastifyPluginAsync, { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string }): Promise<{ readonly url: string; close(): Promise<void> }> {
  const app = Fastify({ logger: { level: 'warn', stream: process.stderr }, trustProxy: 'loopback', forceCloseConnections: true });
  await app.register(plugin, { prefix: '/paymaster' });
  await app.listen({ port, host });
  const address = app.server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/paymaster`, close: () => app.close() };
}
