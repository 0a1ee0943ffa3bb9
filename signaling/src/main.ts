import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import * as v from 'valibot';
import { fromHex } from '@ciro/core/bytes.ts';
import { HexHash } from '@ciro/core/ids.ts';
import { Accounts } from './accounts/accounts.ts';
import { Revocations } from './accounts/revocations.ts';
import { operatorKey } from './accounts/operator-key.ts';
import { AuditDesk } from './audit/audit-desk.ts';
import { ReferenceAuditor } from './audit/reference-auditor.ts';
import { instanceOf, prefixOf } from './cluster/instance.ts';
import { Commands } from './commands/commands.ts';
import { chatModels, commandModels, evidenceModel, schedulerModels, weightsModels } from './coordinator-models.ts';
import { CoordinatorError, checkedRate, given } from './coordinator-options.ts';
import { coordinatorDisputes } from './disputes/coordinator-disputes.ts';
import { nodesWithProfiles } from './edge/node-profile.ts';
import { trustedProxies } from './edge/client-address.ts';
import { addRoutes, createHttp } from './edge/http-server.ts';
import { passRequestsOn, passSocketsOn } from './edge/instance-routes.ts';
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
import { JobDesk } from './jobs/job-desk.ts';
import { verifySignature } from './keys/verify-signature.ts';
import { AccountStatements } from './ledger/account-statements.ts';
import { BondKeeper } from './ledger/bond-keeper.ts';
import { HeadPublisher } from './ledger/head-publisher.ts';
import { Ledger } from './ledger/ledger.ts';
import { openMarket } from './market/open-market.ts';
import { CoordinatorMetrics } from './metrics/coordinator-metrics.ts';
import { IceServers } from './relay/ice-servers.ts';
import { openRelay } from './relay/open-relay.ts';
import { WeightsDesk } from './relay/weights-desk.ts';
import { openMembership } from './open-membership.ts';
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
import type { NodeId } from '@ciro/core/ids.ts';
import type { LeftBehind } from './cluster/membership.ts';
import type { Recovery } from './intake/recover-jobs.ts';
import type { CreditNotices } from './intake/ports.ts';
import type { CoordinatorModels } from './coordinator-models.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';
import type { CoordinatorKey } from './keys/coordinator-key.ts';
import type { SchedulerStatus } from './scheduler/job-runner.ts';
import type { Payment } from './settlement/settlement.ts';
import type { Store } from './store/open-store.ts';

const KEY_FILE = 'coordinator-key.json';
const TRIAL_KEY_FILE = 'trial-key';
/** Hex digits of the key's hash in the network's name. */
const NETWORK_DIGITS = 8;

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
  const store = await openStore({ dataDir, onError, isInstance: options.instanceUrl !== undefined, ...given({ databaseUrl }) });
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
  const instance = await openMembership(options, {
    store,
    publicKey: key.publicKey,
    sessions,
    scheduler,
    recover: async (leftBehind) => goOn(await recover(leftBehind)),
    onLead: () => startLeading(),
    onError,
  });
  undo.defer(() => instance?.close());
  const nextJob = () => newJob(instance && prefixOf(instance.number));
  const recover = async (leftBehind?: LeftBehind) => {
    const recovery = await recoverJobs({ ledger, archive: store.jobs, notices, standings, money, audits: store.audits, kept: store.kept, newJob: nextJob, ...given({ leftBehind }) });
    scheduler.recall(recovery.ran);
    return recovery;
  };
  // One of several recovers what is left once it leads, and serves meanwhile.
  const left = instance === undefined ? await recover() : undefined;
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
  const market = openMarket(options.pricing, { status: () => scheduler.status(), now, maxRunning: options.maxRunning });
  const intake = new Intake(
    { models: chatModels(models), ledger, archive: store.jobs, runner: metrics.runner(traces?.jobs.runner(runner) ?? runner), notices, feeds, kept: store.kept, audits: options.audits ?? desk, market, ...given({ escrows: escrow.desk }), onError: (error, job) => onError(error, { job }) },
    { now, newJob: nextJob },
  );
  undo.defer(() => intake.close());
  const ended = (keys: readonly string[]): void => intake.endOf(keys);
  accounts.onRevoked(ended);
  // Here, too: a question may be on its way in while its key is revoked.
  const revocations = new Revocations({ store: store.accounts, clock: systemClock, now, ended, onError });
  undo.defer(() => revocations.close());
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
  const jobDesk = new JobDesk({ submissions: store.submissions, intake, archive: store.jobs, newJob: nextJob, isMadeElsewhere: (job) => instance !== undefined && instanceOf(job) !== instance.number && instance.living.some(({ number }) => number === instanceOf(job)), now });
  const jobs = new JobWatch({ archive: store.jobs, feeds, nonces: intake.nonces, stagesOf });

  const goOn = async ({ goingOn, charged, released, decided }: Recovery): Promise<void> => {
    for (const restart of goingOn) await intake.goOn(restart);
    app.log.info({ network, charged, released, decided, goingOn: goingOn.length }, 'went on with what was left');
  };
  if (left !== undefined) await goOn(left);
  const past = (job: string, account: string) => pastAnswer({ archive: store.jobs, stagesOf, nameOf: (id) => models.get(id)?.manifest.name ?? id }, job, account);

  const view = { network, ...given({ commit: options.commit }), status: () => scheduler.status(), missing: (id: string) => scheduler.missingFor(v.parse(HexHash, id)), connections: () => sessions.size, ...given({ instances: instance && (() => instance.living) }), nodes: async () => nodesWithProfiles(await standings.nodes(), scheduler.status().figures) };
  const dependencies = { accounts, ledger, statements: new AccountStatements(store.ledger), intake, commands: new Commands({ models: () => commandModels(models, view.missing), rates: () => market.price({ modelId: announced()[0]?.id ?? '', promptTokens: 1, maxTokens: 1 }, undefined, '').rates, tasks: () => [] }), evidence, jobs, jobDesk, past, head: () => heads.signed(), settlement: settlement ?? storedEpochs(store.settlement, store.performance), disputes: store.disputes, escrows: escrow.routes, models, view, drains: { worst: () => placeable.worst(), drain: (worker: NodeId) => scheduler.status().spare > 0 && placeable.drain(worker) }, operation: openOperation({ metrics, store, scheduler, sessions, intake, models: () => models.list().map(({ id }) => id) }), chain: given({ door: options.chain?.door, node: options.chain?.rpc }) };
  if (instance !== undefined) {
    passRequestsOn(app, instance);
    passSocketsOn(app, instance);
  }
  await addRoutes(app, dependencies, { now, ...given({ metricsToken: options.metricsToken, operatorToken: options.operatorToken, publicUrl: wantedUrl, webDist: options.webDist, publicFiles: options.publicFiles, paymaster: options.paymaster }) });
  const port = await listen(app, options);
  const url = `${options.tls === undefined ? 'http' : 'https'}://localhost:${port}`;
  const kept = { read: () => readPrivate(dataDir, TRIAL_KEY_FILE), write: (text: string) => writePrivate(dataDir, TRIAL_KEY_FILE, text) };
  const trialKey = await operatorKey({ accounts, ledger, kept });
  app.log.info({ network, url, database: databaseUrl === undefined ? 'embedded' : 'postgresql', ...given({ instance: instance?.number }) }, 'coordinator started');

  // What signs on the chain for one account: by one process alone.
  const startLeading = (): void => {
    if (settlement !== undefined) startSettlement(settlement, options.chain ?? {}, onError);
    escrow.start();
    disputes?.start();
  };
  if (instance === undefined) startLeading();
  else await instance.start();

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
    async drain(signal) {
      await instance?.drain();
      await intake.drain(signal);
    },
    get answering() {
      return intake.answering;
    },
    close() {
      app.log.info({ network }, 'coordinator stops');
      return (closing ??= (instance?.drain() ?? Promise.resolve()).then(() => open.disposeAsync()));
    },
  };
}

/** A worker hears of its credit, and then a head of the ledger that covers it (SPEC B1). */
function creditNotices(sessions: Sessions, heads: HeadPublisher): CreditNotices {
  return {
    credited(worker, { amount, pendingTotal, payableTotal, promotionalTotal = 0n, withheldTotal, ...rest }) {
      sessions.sendCredit(worker, { ...rest, amount: String(amount), pendingTotal: String(pendingTotal), payableTotal: String(payableTotal), promotionalTotal: String(promotionalTotal), withheldTotal: String(withheldTotal) });
      heads.credited(worker);
    },
  };
}

/** The key of the data folder, made at the first start. Workers and evidence know the network by it. */
async function keptKey(dataDir: string): Promise<CoordinatorKey> {
  const text = await readPrivate(dataDir, KEY_FILE);
  if (text !== undefined) return importCoordinatorKey(v.parse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), text));
  const key = await generateCoordinatorKey();
  await writePrivate(dataDir, KEY_FILE, JSON.stringify(await key.exportJwk()));
  return key;
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
