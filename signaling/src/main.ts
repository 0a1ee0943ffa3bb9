import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import * as v from 'valibot';
import { fromHex } from '@ciro/core/bytes.ts';
import { CiroError } from '@ciro/core/errors.ts';
import { HexHash } from '@ciro/core/ids.ts';
import { Accounts } from './accounts/accounts.ts';
import { operatorKey } from './accounts/operator-key.ts';
import { AuditDesk } from './audit/audit-desk.ts';
import { ReferenceAuditor } from './audit/reference-auditor.ts';
import { coordinatorDisputes } from './disputes/coordinator-disputes.ts';
import { nodesWithProfiles } from './edge/node-profile.ts';
import { trustedProxies } from './edge/client-address.ts';
import { addRoutes, createHttp } from './edge/http-server.ts';
import { listen, parsePublicUrl } from './edge/listen.ts';
import { attachSocket } from './edge/socket.ts';
import { EvidenceDesk } from './evidence/evidence-desk.ts';
import { Intake, newJob } from './intake/intake.ts';
import { JobFeeds } from './intake/job-feed.ts';
import { JobWatch } from './intake/job-watch.ts';
import { NoticedMoney } from './intake/noticed-money.ts';
import { pastAnswer } from './intake/past-answers.ts';
import { recoverJobs } from './intake/recover-jobs.ts';
import { generateCoordinatorKey, importCoordinatorKey } from './keys/coordinator-key.ts';
import { verifySignature } from './keys/verify-signature.ts';
import { BondKeeper } from './ledger/bond-keeper.ts';
import { HeadPublisher } from './ledger/head-publisher.ts';
import { Ledger } from './ledger/ledger.ts';
import { CoordinatorMetrics } from './metrics/coordinator-metrics.ts';
import { chunkHashesOf } from './models/chunk-hashes.ts';
import { publicFileOf, publicFilesOf } from './models/public-files.ts';
import { iceOptionsOf, IceServers } from './relay/ice-servers.ts';
import { openRelay } from './relay/open-relay.ts';
import { WeightsDesk } from './relay/weights-desk.ts';
import { openSettlement, startSettlement } from './open-settlement.ts';
import { JobRunner } from './scheduler/job-runner.ts';
import { systemClock } from './sessions/clock.ts';
import { Sessions } from './sessions/sessions.ts';
import { storedEpochs } from './settlement/stored-epochs.ts';
import { SponsorDesk } from './sponsoring/sponsor-desk.ts';
import { DrainedWorkers } from './standing/drained-workers.ts';
import { Standings } from './standing/standings.ts';
import { openEscrows } from './open-escrows.ts';
import { openOperation } from './open-operation.ts';
import { openStore } from './store/open-store.ts';
import { readPrivate, writePrivate } from './store/private-file.ts';
import type { FastifyPluginAsync } from 'fastify';
import type { NodeId } from '@ciro/core/ids.ts';
import type { OtlpOptions } from './traces/otlp-exporter.ts';
import type { ReferenceRun } from './audit/ports.ts';
import type { CoordinatorDisputesOptions } from './disputes/coordinator-disputes.ts';
import type { TlsFiles } from './edge/http-server.ts';
import type { ShardedModel } from './edge/models-routes.ts';
import type { Audits, ChatModel, CreditNotices, JobRunner as JobRunnerPort } from './intake/ports.ts';
import type { LogSink } from './logging/log-options.ts';
import type { CoordinatorKey } from './keys/coordinator-key.ts';
import type { ChainOptions } from './open-settlement.ts';
import type { EscrowOptions } from './open-escrows.ts';
import type { IceOptions } from './relay/ice-servers.ts';
import type { SchedulerStatus } from './scheduler/job-runner.ts';
import type { SchedulerTimes } from './scheduler/scheduler-times.ts';
import type { Models } from './scheduler/models-port.ts';
import type { Payment } from './settlement/settlement.ts';
import type { Store } from './store/open-store.ts';

const KEY_FILE = 'coordinator-key.json';
const TRIAL_KEY_FILE = 'trial-key';
/** Hex digits of the key's hash in the network's name. */
const NETWORK_DIGITS = 8;

export class CoordinatorError extends CiroError<'no-model' | 'bad-audit-rate'> {}

/** The served models, the default first; `ModelRegistry` is one. */
export interface CoordinatorModels {
  list(): readonly CoordinatorModel[];
  get(nameOrId: string): CoordinatorModel | undefined;
}
export type CoordinatorModel = ShardedModel &
  Pick<ChatModel, 'tokenizer'> & {
    /** `source`: as it stands in the model file. */
    readonly template: ChatModel['template'] & { readonly source: string };
    /** The model file, for the reference run. */
    readonly path: string;
  };

export interface CoordinatorOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Address to listen on; every one of this machine when absent. */
  readonly host?: string;
  /** Keys, and the embedded database unless `databaseUrl` is given. */
  readonly dataDir: string;
  /** PostgreSQL instead of the embedded database (`DATABASE_URL`). */
  readonly databaseUrl?: string;
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

/** A running coordinator. */
export interface Coordinator {
  /** On this machine, e.g. `http://localhost:8080`; no slash at the end. */
  readonly url: string;
  /** What to print and to share: `PUBLIC_URL`, else `url`. */
  readonly publicUrl: string;
  readonly network: string;
  /** An API key with trial credits, kept over restarts. */
  readonly trialKey: string;
  readonly models: CoordinatorModels;
  status(): SchedulerStatus;
  /** Resolves when every stage is placed, loaded and linked. */
  whenReady(signal: AbortSignal): Promise<void>;
  /** Closes an epoch early, and gives what was paid once everybody who is owed something has it (`Settlement.payOut`); nothing without a chain. */
  payOut(signal: AbortSignal): Promise<readonly Payment[]>;
  /** Takes no more questions, and resolves when those under way are answered, at the latest when `signal` aborts; `close` afterwards (SPEC O4). */
  drain(signal: AbortSignal): Promise<void>;
  /** Answers under way that would end with this coordinator. */
  readonly answering: number;
  /** Cancels what runs, closes every hold and connection, and gives the data folder back. */
  close(): Promise<void>;
}

/** Settings of the environment, as `npm start` takes them; spread into the options. Throws `bad-audit-rate`. */
export function environmentOptions(env: NodeJS.ProcessEnv): Pick<CoordinatorOptions, 'databaseUrl' | 'publicUrl' | 'tls' | 'auditRate' | 'ice' | 'publicFiles' | 'logLevel' | 'metricsToken' | 'operatorToken' | 'trustedProxies' | 'traces' | 'commit'> {
  const { DATABASE_URL: databaseUrl, PUBLIC_URL: publicUrl, CIRO_TLS_CERT: cert, CIRO_TLS_KEY: key, CIRO_LOG_LEVEL: logLevel, CIRO_COMMIT: commit } = env;
  const set = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const rate = set(env['CIRO_AUDIT_RATE']);
  const auditRate = rate === undefined ? undefined : checkedRate(Number(rate), rate);
  const [endpoint, headers] = [set(env['OTEL_EXPORTER_OTLP_ENDPOINT']), set(env['OTEL_EXPORTER_OTLP_HEADERS'])];
  const traces = endpoint === undefined ? undefined : { endpoint, ...given({ headers }) };
  return given({ auditRate, ice: iceOptionsOf(env), publicFiles: publicFilesOf(env['CIRO_PUBLIC_FILES']), databaseUrl: set(databaseUrl), publicUrl: set(publicUrl), tls: cert && key ? { cert, key } : undefined, logLevel: set(logLevel), metricsToken: set(env['CIRO_METRICS_TOKEN']), operatorToken: set(env['CIRO_OPERATOR_TOKEN']), traces, trustedProxies: set(env['CIRO_TRUSTED_PROXIES']), commit: set(commit) });
}

/** Builds every room, wires them, and serves. Throws CoordinatorError, IceError, AddressError, StoreError, KeyError; nothing is left open then. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { models, dataDir, databaseUrl } = options;
  if (models.list().length === 0) throw new CoordinatorError('no-model', 'a coordinator needs a model to serve; import one first', { fault: 'user' });
  const { auditRate } = options;
  if (auditRate !== undefined) checkedRate(auditRate, String(auditRate));
  // The wall clock: a TURN server compares what is made of it with its own.
  const iceServers = new IceServers({ now: Date.now }, options.ice ?? {});
  const wantedUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await using undo = new AsyncDisposableStack();

  const metrics = new CoordinatorMetrics(systemClock);
  const trusts = trustedProxies(options.trustedProxies);
  const app = await createHttp({ trusts, answered: (request) => metrics.answered(request), ...given({ tls: options.tls, logLevel: options.logLevel, logSink: options.logSink }) });
  const onError = (error: unknown, about: object = {}): void => {
    metrics.failed(about);
    app.log.error({ err: error, ...about }, 'something failed in the background');
  };
  const store = await openStore({ dataDir, onError, ...given({ databaseUrl }) });
  // Closed in the reverse order: answers, jobs, tabs, connections, and the database last.
  undo.defer(() => store.close());
  undo.defer(() => app.close());

  const key = await keptKey(dataDir);
  const network = `ciro-${createHash('sha256').update(fromHex(key.publicKey)).digest('hex').slice(0, NETWORK_DIGITS)}`;
  const now = Date.now;
  const ledger = new Ledger(store.ledger, { now });
  await ledger.start();
  const accounts = new Accounts({ store: store.accounts, ledger }, { now });

  const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const announced = () => models.list().map(({ id, manifest }) => ({ id: v.parse(HexHash, id), name: manifest.name }));
  const sessions = new Sessions(
    { clock: systemClock, records: store.nodes, coordinatorPublicKey: key.publicKey, randomBytes: bytes, models: announced, onError },
    { network },
  );
  const socket = attachSocket(app.server, { sessions, onError }, { trusts, allowedOrigins: wantedUrl === undefined ? [] : [wantedUrl.origin] });
  undo.defer(() => socket.close());
  undo.defer(() => sessions.close());
  sessions.observe(metrics.workers);
  const standings = await Standings.open({ store: store.standings, clock: systemClock, workers: sessions, onError });
  const placeable = new DrainedWorkers(standings, systemClock);
  metrics.onBlame(placeable.blamed);
  undo.defer(() => placeable.close());
  const relay = openRelay(systemClock, sessions, iceServers);
  const scheduler = new JobRunner(
    { clock: systemClock, workers: sessions, standings: placeable, models: schedulerModels(models), relay, key, randomBytes: bytes, times: metrics.times(options.times) },
    { network, ...given({ stages: options.stages, expectWorkers: options.expectWorkers, maxRunning: options.maxRunning, maxRings: options.maxRings, leastRingSpeed: options.leastRingSpeed }) },
  );
  undo.defer(() => scheduler.close());
  const weights = new WeightsDesk({ clock: systemClock, network, workers: sessions, relay, models: weightsModels(models, options.publicFiles ?? []), holders: (id) => scheduler.holders(id), linkMeasured: (...told) => scheduler.linkMeasured(...told), verify: verifySignature, onError });
  undo.defer(() => weights.close());
  const bonds = new BondKeeper({ clock: systemClock, ledger, lastSeen: async (node) => (await sessions.record(node))?.lastSeen, onError });
  undo.defer(() => bonds.close());
  const heads = new HeadPublisher({ clock: systemClock, ledger, key, workers: sessions, onError }, { network });
  undo.defer(() => heads.close());

  const sponsors = new SponsorDesk({ clock: systemClock, workers: sessions, ...given({ tickets: options.tickets }) });
  const settlement = options.chain === undefined ? undefined : openSettlement(sponsors.telling({ ...options.chain, onSettlement: metrics.settlement(options.chain.onSettlement) }), { network, ledger, store, identityKeys: (nodes) => identityKeys(nodes, sessions, store), onError }, undo);

  const notices = metrics.notices(creditNotices(sessions, heads));
  const escrow = openEscrows(options.escrow, { store, ledger, money: new NoticedMoney({ ledger, notices, archive: store.jobs }), models: () => models.list().map(({ id, manifest }) => ({ id, file: manifest.file.sha256 })), onError });
  undo.defer(() => escrow.close());
  const { money } = escrow;
  const { goingOn, ran, ...recovery } = await recoverJobs({ ledger, archive: store.jobs, notices, standings, money, audits: store.audits, kept: store.kept, newJob });
  scheduler.recall(ran);
  const ownReference = new ReferenceAuditor({ clock: systemClock, models: (id) => models.get(id) });
  undo.defer(() => ownReference.close());
  const desk = new AuditDesk(
    { clock: systemClock, workers: sessions, standings, money, store: store.audits, reference: options.reference ?? ownReference, key, randomBytes: bytes, models: { get: (id) => models.get(id) }, onError },
    auditRate === undefined ? {} : { rate: () => auditRate },
  );
  undo.defer(() => desk.close());
  const traces = options.traces && (await import('./traces/open-traces.ts')).openTraces(options.traces, { clock: systemClock, onError });
  undo.defer(() => traces?.close());
  const feeds = new JobFeeds((job, event) => {
    metrics.feed(job, event);
    traces?.jobs.feed(job, event);
  });
  const runner = options.runner ?? scheduler;
  const intake = new Intake(
    { models: chatModels(models), ledger, archive: store.jobs, runner: metrics.runner(traces?.jobs.runner(runner) ?? runner), notices, feeds, kept: store.kept, audits: options.audits ?? desk, ...given({ escrows: escrow.desk }), onError: (error, job) => onError(error, { job }) },
    { now },
  );
  undo.defer(() => intake.close());
  const evidence = new EvidenceDesk({
    archive: store.jobs,
    ledger,
    audits: store.audits,
    coordinatorPublicKey: key.publicKey,
    modelOf: (id) => evidenceModel(models.get(id)),
    escrowBehind: (job) => escrow.behind(job),
    identityKeys: (nodes) => identityKeys(nodes, sessions, store),
  });
  const disputes = options.disputes && coordinatorDisputes(options.disputes, { clock: systemClock, store: store.disputes, ledger, standings, evidence, archive: store.jobs, workers: sessions, auditRate, onError: (error) => onError(error, { about: 'disputes' }) });
  undo.defer(() => disputes?.close());
  const stagesOf = async (job: string, account: string) => {
    const answer = await evidence.find(job, account);
    return answer.state === 'recorded' ? answer.evidence.stages.map((stage) => stage.audit_status) : [];
  };
  const jobs = new JobWatch({ archive: store.jobs, feeds, nonces: intake.nonces, stagesOf });

  for (const restart of goingOn) await intake.goOn(restart);
  const past = (job: string, account: string) => pastAnswer({ archive: store.jobs, stagesOf, nameOf: (id) => models.get(id)?.manifest.name ?? id }, job, account);

  const view = { network, ...given({ commit: options.commit }), status: () => scheduler.status(), missing: (id: string) => scheduler.missingFor(v.parse(HexHash, id)), connections: () => sessions.size, nodes: async () => nodesWithProfiles(await standings.nodes(), scheduler.status().figures) };
  const dependencies = { accounts, ledger, intake, evidence, jobs, past, head: () => heads.signed(), settlement: settlement ?? storedEpochs(store.settlement, store.performance), disputes: store.disputes, escrows: escrow.routes, models, view, drains: { worst: () => placeable.worst(), drain: (worker: NodeId) => scheduler.status().spare > 0 && placeable.drain(worker) }, operation: openOperation({ metrics, store, scheduler, sessions, intake, models: () => models.list().map(({ id }) => id) }), chain: given({ door: options.chain?.door, node: options.chain?.rpc }) };
  await addRoutes(app, dependencies, { now, ...given({ metricsToken: options.metricsToken, operatorToken: options.operatorToken, publicUrl: wantedUrl, webDist: options.webDist, publicFiles: options.publicFiles, paymaster: options.paymaster }) });
  const port = await listen(app, options);
  const url = `${options.tls === undefined ? 'http' : 'https'}://localhost:${port}`;
  const kept = { read: () => readPrivate(dataDir, TRIAL_KEY_FILE), write: (text: string) => writePrivate(dataDir, TRIAL_KEY_FILE, text) };
  const trialKey = await operatorKey({ accounts, ledger, kept });
  app.log.info({ network, url, database: databaseUrl === undefined ? 'embedded' : 'postgresql', ...recovery, goingOn: goingOn.length }, 'coordinator started');

  if (settlement !== undefined) startSettlement(settlement, options.chain ?? {}, onError);
  escrow.start();
  disputes?.start();

  const open = undo.move();
  let closing: Promise<void> | undefined;
  return {
    url,
    publicUrl: wantedUrl?.href.replace(/\/+$/, '') ?? url,
    network,
    trialKey,
    models,
    status: () => scheduler.status(),
    whenReady: (signal) => scheduler.whenReady(signal),
    payOut: async (signal) => (await settlement?.payOut(signal)) ?? [],
    drain: (signal) => intake.drain(signal),
    get answering() {
      return intake.answering;
    },
    close() {
      app.log.info({ network }, 'coordinator stops');
      return (closing ??= open.disposeAsync());
    },
  };
}

function checkedRate(rate: number, text: string): number {
  if (rate > 0 && rate <= 1) return rate;
  throw new CoordinatorError('bad-audit-rate', `the audit rate is ${JSON.stringify(text)}; give a number above 0 and at most 1, or leave CIRO_AUDIT_RATE out`, { fault: 'user' });
}

/** A worker hears of its credit, and then a head of the ledger that covers it (SPEC B1). */
function creditNotices(sessions: Sessions, heads: HeadPublisher): CreditNotices {
  return {
    credited(worker, { amount, pendingTotal, payableTotal, withheldTotal, ...rest }) {
      sessions.sendCredit(worker, { ...rest, amount: String(amount), pendingTotal: String(pendingTotal), payableTotal: String(payableTotal), withheldTotal: String(withheldTotal) });
      heads.credited(worker);
    },
  };
}

function evidenceModel(model: CoordinatorModel | undefined) {
  return model === undefined ? undefined : { manifest: model.manifest, template: model.template.source };
}

/** The key of the data folder, made at the first start. Workers and evidence know the network by it. */
async function keptKey(dataDir: string): Promise<CoordinatorKey> {
  const text = await readPrivate(dataDir, KEY_FILE);
  if (text !== undefined) return importCoordinatorKey(v.parse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), text));
  const key = await generateCoordinatorKey();
  await writePrivate(dataDir, KEY_FILE, JSON.stringify(await key.exportJwk()));
  return key;
}

function schedulerModels(models: CoordinatorModels): Models {
  const branded = (model: CoordinatorModel) => ({ id: v.parse(HexHash, model.id), manifest: model.manifest });
  return {
    default() {
      const [first] = models.list();
      if (first === undefined) throw new CoordinatorError('no-model', 'the last model is gone; import one', { fault: 'bug' });
      return branded(first);
    },
    get(id) {
      const model = models.get(id);
      return model === undefined ? undefined : branded(model);
    },
  };
}

function weightsModels(models: CoordinatorModels, publicFiles: readonly string[]) {
  return {
    manifest: (id: string) => models.get(id)?.manifest,
    async chunkHashes(id: string, shard: string): Promise<Uint8Array> {
      const model = models.get(id);
      return model === undefined ? new Uint8Array(0) : chunkHashesOf(model, shard);
    },
    publicUrl(id: string): string | undefined {
      const model = models.get(id);
      return model === undefined ? undefined : publicFileOf(model.manifest, publicFiles);
    },
  };
}

function chatModels(models: CoordinatorModels) {
  const branded = ({ id, manifest, tokenizer, template }: CoordinatorModel): ChatModel => ({ id: v.parse(HexHash, id), manifest, tokenizer, template });
  return {
    list: () => models.list().map(branded),
    get(nameOrId: string) {
      const model = models.get(nameOrId);
      return model === undefined ? undefined : branded(model);
    },
  };
}

/** Connected nodes are asked first: the store hears of them only now and then. */
async function identityKeys(nodes: readonly string[], sessions: Sessions, store: Store): Promise<Map<string, string>> {
  const stored = await store.nodes.identityKeys(nodes);
  const connected = nodes.flatMap((node): [string, string][] => {
    const worker = sessions.worker(node as NodeId);
    return worker === undefined ? [] : [[node, worker.identityPublicKey]];
  });
  return new Map([...stored, ...connected]);
}

/** The fields that are not undefined: to the rooms an absent option and an undefined one are not the same. */
function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}
