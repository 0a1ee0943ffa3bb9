import { CiroError } from '@ciro/core/errors.ts';
import { publicFilesOf } from './models/public-files.ts';
import { iceOptionsOf } from './relay/ice-servers.ts';
import type { FastifyPluginAsync } from 'fastify';
import type { OtlpOptions } from './traces/otlp-exporter.ts';
import type { ReferenceRun } from './audit/ports.ts';
import type { CoordinatorModels } from './coordinator-models.ts';
import type { CoordinatorDisputesOptions } from './disputes/coordinator-disputes.ts';
import type { TlsFiles } from './edge/http-server.ts';
import type { Audits, JobRunner as JobRunnerPort } from './intake/ports.ts';
import type { LogSink } from './logging/log-options.ts';
import type { ChainOptions } from './open-settlement.ts';
import type { EscrowOptions } from './open-escrows.ts';
import type { IceOptions } from './relay/ice-servers.ts';
import type { SchedulerTimes } from './scheduler/scheduler-times.ts';

export class CoordinatorError extends CiroError<'no-model' | 'bad-audit-rate'> {}

export interface CoordinatorOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Address to listen on; every one of this machine when absent. */
  readonly host?: string;
  /** Keys, and the embedded database unless `databaseUrl` is given. */
  readonly dataDir: string;
  /** PostgreSQL instead of the embedded database (`DATABASE_URL`). */
  readonly databaseUrl?: string;
  /** One of several coordinators over one PostgreSQL database: where the others reach this one (`CIRO_INSTANCE_URL`, SPEC Z1). */
  readonly instanceUrl?: string;
  /** What to do when its place among them is lost: it must end at once; the process ends when absent. */
  readonly onLost?: (cause: Error) => void;
  readonly models: CoordinatorModels;
  /** Stages a job is cut into. */
  readonly stages?: number;
  /** Place for the first time when exactly so many workers are there. */
  readonly expectWorkers?: number;
  /** Jobs at the same time over one ring; MAX_RUNNING_JOBS when absent. */
  readonly maxRunning?: number;
  /** Rings at a time; MAX_RINGS when absent. */
  readonly maxRings?: number;
  /** Part of the first ring's speed that a further one must have, 0 … 1; LEAST_RING_SPEED when absent. */
  readonly leastRingSpeed?: number;
  /** Folder of the built page. */
  readonly webDist?: string;
  /** PEM files (`CIRO_TLS_CERT`, `CIRO_TLS_KEY`): serves HTTPS. */
  readonly tls?: TlsFiles;
  /** Address that others reach this coordinator at (`PUBLIC_URL`). */
  readonly publicUrl?: string;
  /** Addresses and networks of proxies that are believed about who their client is, besides this machine's (`CIRO_TRUSTED_PROXIES`). */
  readonly trustedProxies?: string;
  /** STUN and TURN servers for the links between tabs (`CIRO_STUN_URLS`, `CIRO_TURN_URLS`, `CIRO_TURN_SECRET`). */
  readonly ice?: IceOptions;
  /** Addresses of the served models' public files, which tabs may fetch from (`CIRO_PUBLIC_FILES`). */
  readonly publicFiles?: readonly string[];
  /** Share of stage-jobs that are audited, above 0 and at most 1, whoever did them (`CIRO_AUDIT_RATE`); by each worker's record when absent (SPEC A2). */
  readonly auditRate?: number;
  /** A relayer's routes, mounted at `/paymaster` (`startRelayer` gives them). */
  readonly paymaster?: FastifyPluginAsync;
  /** Gives a ticket for an account that is not deployed yet (`Relayer.issueTicket`, SPEC Y1); connected workers are given them for their own. */
  readonly tickets?: (account: string) => string;
  /** Settlement contract that pays workers; without one credits stay in the ledger. */
  readonly chain?: ChainOptions;
  /** Contract whose funded jobs are served; without one requests are paid by credits alone (SPEC N). */
  readonly escrow?: EscrowOptions;
  /** Court that convicted workers are brought before (`openDisputes` gives it); without one a conviction ends with the audit. */
  readonly disputes?: CoordinatorDisputesOptions;
  /** A collector that every job's trace goes to (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`); without one nothing is traced (SPEC O6). */
  readonly traces?: OtlpOptions;
  /** Commit that runs, for `/health`. */
  readonly commit?: string;
  /** pino level of the log on standard error; `warn` when absent. `info` tells the life cycle. */
  readonly logLevel?: string;
  /** Where its lines go; standard error when absent. */
  readonly logSink?: LogSink;
  /** Whoever reads `/metrics` has to show it (`CIRO_METRICS_TOKEN`); without one only programs of this machine may (SPEC O1). */
  readonly metricsToken?: string;
  /** Whoever acts as the operator has to show it (`CIRO_OPERATOR_TOKEN`); without one nobody may (SPEC O5). */
  readonly operatorToken?: string;
  /** Replaces the scheduler, for tests of everything around it. */
  readonly runner?: JobRunnerPort;
  /** Replaces the audit desk, for tests of everything around it. */
  readonly audits?: Audits;
  /** Replaces the reference run, for tests with models that nothing computes. */
  readonly reference?: ReferenceRun;
  /** Hears how long decisions and set-ups took, for benchmarks. */
  readonly times?: SchedulerTimes;
}

/** Settings of the environment, as `npm start` takes them; spread into the options. Throws `bad-audit-rate`. */
export function environmentOptions(env: NodeJS.ProcessEnv): Pick<CoordinatorOptions, 'databaseUrl' | 'instanceUrl' | 'publicUrl' | 'tls' | 'auditRate' | 'ice' | 'publicFiles' | 'logLevel' | 'metricsToken' | 'operatorToken' | 'trustedProxies' | 'traces' | 'commit'> {
  const { DATABASE_URL: databaseUrl, PUBLIC_URL: publicUrl, CIRO_TLS_CERT: cert, CIRO_TLS_KEY: key, CIRO_LOG_LEVEL: logLevel, CIRO_COMMIT: commit } = env;
  const set = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const rate = set(env['CIRO_AUDIT_RATE']);
  const auditRate = rate === undefined ? undefined : checkedRate(Number(rate), rate);
  const [endpoint, headers] = [set(env['OTEL_EXPORTER_OTLP_ENDPOINT']), set(env['OTEL_EXPORTER_OTLP_HEADERS'])];
  const traces = endpoint === undefined ? undefined : { endpoint, ...given({ headers }) };
  return given({ auditRate, ice: iceOptionsOf(env), publicFiles: publicFilesOf(env['CIRO_PUBLIC_FILES']), databaseUrl: set(databaseUrl), instanceUrl: set(env['CIRO_INSTANCE_URL']), publicUrl: set(publicUrl), tls: cert && key ? { cert, key } : undefined, logLevel: set(logLevel), metricsToken: set(env['CIRO_METRICS_TOKEN']), operatorToken: set(env['CIRO_OPERATOR_TOKEN']), traces, trustedProxies: set(env['CIRO_TRUSTED_PROXIES']), commit: set(commit) });
}

export function checkedRate(rate: number, text: string): number {
  if (rate > 0 && rate <= 1) return rate;
  throw new CoordinatorError('bad-audit-rate', `the audit rate is ${JSON.stringify(text)}; give a number above 0 and at most 1, or leave CIRO_AUDIT_RATE out`, { fault: 'user' });
}

/** The fields that are not undefined: to the rooms an absent option and an undefined one are not the same. */
export function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}
