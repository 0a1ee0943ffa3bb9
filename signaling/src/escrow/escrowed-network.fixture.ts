import { chainModelOf, specHashOf } from '@ciro/core/settlement/escrow.ts';
import { charge } from '@ciro/core/pricing/price.ts';
import { LAUNCH_RATE } from '@ciro/core/settlement/rate.ts';
import { makeRecord, workerId } from '../evidence/job-record.fixture.ts';
import { MemoryJobArchive } from '../evidence/memory-job-archive.fixture.ts';
import { MemoryKeptAnswers } from '../intake/memory-kept-answers.fixture.ts';
import { NoticedMoney } from '../intake/noticed-money.ts';
import { recoverJobs } from '../intake/recover-jobs.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { newStanding } from '../standing/standing-store.ts';
import { EscrowDesk } from './escrow-desk.ts';
import { EscrowMoney } from './escrow-money.ts';
import { MemoryEscrowStore } from './memory-escrow-store.fixture.ts';
import { CLIENT, MemoryJobManager, STORE } from './memory-job-manager.fixture.ts';
import type { AuditId, HexHash, JobId } from '@ciro/core/ids.ts';
import type { EscrowSpec } from '@ciro/core/settlement/escrow.ts';
import type { Recovery } from '../intake/recover-jobs.ts';
import type { AuditStore, Standing, Standings } from '../audit/ports.ts';
import type { EscrowClaim, EscrowWanted } from './check-escrow.ts';
import type { EscrowEvent } from './ports.ts';

export const MODEL = 'ab'.repeat(32) as HexHash;
export const FILE = 'cd'.repeat(32);
export const SALT = '5a'.repeat(32);
export const ESCROW = '0x7a5';
export const BUDGET = 100n;
/** What the answer of these tests costs: a hundred base units held, 40 charged, of which the fee is 4. */
export const HOLD = 100n;
export const SPEC: EscrowSpec = { model: MODEL, messages: [{ role: 'user', content: 'Why?' }], maxTokens: 9, temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stop: [], seed: 1, assurance: 'stream' };
export const FUNDS = 10n ** 22n;
const START_S = 1_000_000;
export const DEADLINE = START_S + 3_600;

export const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;

/** What becomes of an answer. `wrong`: a stage is convicted, so that all is paid back; `gone`: nobody answered it. */
export type Ending = 'paid' | 'wrong' | 'gone';

/** The escrow desk with ledger, archive and contract in memory, and an intake that is a few lines. `crash` is asked at every step of any of them. */
export class EscrowedNetwork {
  readonly clock = new VirtualClock(START_S * 1000);
  readonly ledgerStore: MemoryLedgerStore;
  readonly ledger: Ledger;
  readonly archive = new MemoryJobArchive();
  readonly kept = new MemoryKeptAnswers();
  readonly store: MemoryEscrowStore;
  readonly chain: MemoryJobManager;
  readonly events: EscrowEvent[] = [];
  readonly errors: unknown[] = [];
  readonly #crash: (step: string) => void;
  desk: EscrowDesk;

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
    this.ledgerStore = new MemoryLedgerStore((step) => crash(`ledger ${step}`));
    this.ledger = new Ledger(this.ledgerStore, { now: () => this.clock.now() });
    this.store = new MemoryEscrowStore((step) => crash(`store ${step}`));
    this.chain = new MemoryJobManager({ funds: FUNDS, crash: (step) => crash(`chain ${step}`) });
    this.chain.now = START_S;
    this.chain.register(chainModelOf({ id: MODEL, file: FILE }));
    this.desk = this.#open();
  }

  /** A client funds a job. */
  fund(change: Partial<{ budget: bigint; deadline: number; model: string; specHash: string; token: string }> = {}): void {
    this.chain.create(ESCROW, { budget: BUDGET, deadline: DEADLINE, model: chainModelOf({ id: MODEL, file: FILE }).id, specHash: specHashOf(SPEC, SALT), ...change });
  }

  take(claim: Partial<EscrowClaim> = {}, wanted: Partial<EscrowWanted> = {}, job = jobId(1)): Promise<void> {
    return this.desk.take({ escrow: ESCROW, salt: SALT, ...claim }, job, { spec: SPEC, file: FILE, hold: HOLD, ...wanted });
  }

  /** Takes the escrow and carries its answer to the end, as intake, scheduler and audits do. */
  async serve(ending: Ending = 'paid', job = jobId(1)): Promise<void> {
    await this.take({}, {}, job);
    this.desk.runs(ESCROW, () => undefined);
    await this.ledger.hold(job, 'ada', HOLD, { escrow: ESCROW });
    if (ending === 'gone') await this.ledger.release(job);
    else await this.#answer(job, ending);
    this.desk.over(ESCROW);
  }

  async #answer(job: JobId, ending: Ending): Promise<void> {
    await this.archive.open({ job, account: 'ada', modelId: MODEL, createdAt: this.clock.now(), assurance: 'stream', corrects: null, continues: null });
    this.#crash('archive open');
    await this.archive.record(job, makeRecord({ job, quote: { promptToken: '4', generatedToken: '14', feeBasisPoints: '1000', hold: String(HOLD) } }), 'Because.');
    this.#crash('archive record');
    await this.ledger.settle(job, charge({ promptToken: 4n, generatedToken: 14n, feeBasisPoints: 1_000n }, 3, 2, [1, 2, 3].map((n) => ({ worker: workerId(n), layers: 10, positions: 4 }))));
    const money = this.money();
    await money.auditPaid('a'.repeat(32) as AuditId, job, workerId(9), 1n);
    for (const n of [2, 3]) await money.payable(job, workerId(n), 5_000n);
    if (ending === 'wrong') await money.failed(job, [workerId(1)]);
    else await money.payable(job, workerId(1), 0n);
    this.#crash('decided');
    await this.archive.decided(job);
  }

  money(): EscrowMoney {
    return new EscrowMoney({ money: this.#noticed(), ledger: this.ledger, store: this.store });
  }

  /** What the next start of the coordinator does, over what is stored. */
  async restart(): Promise<Recovery> {
    await this.desk.close();
    const standing = async (): Promise<Standing> => ({ ...newStanding(0), reputation: 0.5 });
    const standings: Standings = { of: standing, passed: standing, failed: standing, misjudged: standing, isDemoted: () => false };
    const audits: AuditStore = { saveDraw: async () => undefined, drawOf: async () => undefined, saveTranscript: async () => undefined, transcriptsOf: async () => [], savePiece: async () => undefined, pieces: async () => new Map(), prunePieces: async () => 0 };
    const recovery = await recoverJobs({ ledger: this.ledger, archive: this.archive, notices: { credited: () => undefined }, standings, money: this.money(), audits, kept: this.kept, newJob: () => jobId(99) });
    this.desk = this.#open();
    return recovery;
  }

  /** `count` looks, a minute apart. */
  async run(count: number, seconds = 61): Promise<void> {
    for (let look = 0; look < count; look++) {
      await this.desk.step();
      this.pass(seconds);
    }
  }

  pass(seconds: number): void {
    this.chain.now += seconds;
    this.clock.advance(seconds * 1000);
  }

  /** Where all tokens are, and what the ledger made of them. */
  async sums() {
    const balances = await this.ledgerStore.allBalances();
    const worker = (part: string): bigint => [...balances].reduce((sum, [account, amount]) => (account.endsWith(`:${part}`) ? sum + amount : sum), 0n);
    return { client: this.chain.balance(CLIENT), held: this.chain.balance('held'), sink: this.chain.balance(STORE), left: balances.get(`escrow:${ESCROW}`) ?? 0n, pending: worker('pending'), payable: worker('payable') + worker('promotional') + worker('withheld') + worker('withheld:paid'), fee: (balances.get('fee') ?? 0n) + (balances.get('fee:paid') ?? 0n), pool: balances.get('pool') ?? 0n, issued: balances.get('issued') ?? 0n };
  }

  #noticed(): NoticedMoney {
    return new NoticedMoney({ ledger: this.ledger, notices: { credited: () => undefined }, archive: this.archive });
  }

  #open(): EscrowDesk {
    const { clock, chain, store, ledger, archive } = this;
    return new EscrowDesk({ clock, chain, store, ledger, archive, money: this.#noticed(), onEvent: (event) => this.events.push(event), onError: (error) => this.errors.push(error) }, { store: STORE, rate: LAUNCH_RATE });
  }
}
