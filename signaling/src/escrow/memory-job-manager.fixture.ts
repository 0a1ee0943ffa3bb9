import type { ChainModel } from '@ciro/core/settlement/escrow.ts';
import type { Receipt } from '../settlement/ports.ts';
import type { ChainJob, ChainJobState, JobManagerPort, RegisteredModel } from './ports.ts';

interface State {
  readonly jobs: Map<string, ChainJob>;
  readonly balances: Map<string, bigint>;
}

const NOTHING: ChainJob = { client: '0x0', token: '0x0', model: '0x0', specHash: '0x0', resultRoot: '0x0', budget: 0n, used: 0n, deadline: 0, since: 0, state: 'unknown' };
export const TOKEN = '0x70';
export const STORE = '0x5707e';
export const CLIENT = '0xc1';

/**
 * The JobManager's rules in memory, for tests, for one token, its sink and one client (contracts/SPEC.md J3 to J11). A transaction is carried out at
 * once; `reorganise` takes the last ones back. `crash` is asked before and after whatever is sent. `lag`: views of `settled` are so many transactions behind.
 */
export class MemoryJobManager implements JobManagerPort {
  readonly chainId = '0x534e5f54455354';
  readonly jobManager = '0x10b';
  /** Unix seconds. */
  now = 1_000_000;
  lag = 0;
  coordinates = true;
  readonly models = new Map<string, RegisteredModel>();
  readonly sent: string[] = [];
  readonly refundGrace = 60;
  readonly disputeWindow = 60;
  readonly #crash: (step: string) => void;
  readonly #states: State[];
  readonly #receipts = new Map<string, Receipt>();
  #count = 0;

  constructor(options: { readonly funds: bigint; readonly crash?: (step: string) => void }) {
    this.#states = [{ jobs: new Map(), balances: new Map([[CLIENT, options.funds]]) }];
    this.#crash = options.crash ?? (() => undefined);
  }

  /** Base units that somebody has: the client, the sink, or `held` for all jobs. */
  balance(who: string): bigint {
    return this.#newest.balances.get(who) ?? 0n;
  }

  register({ id, high, low }: ChainModel, revoked = false): void {
    this.models.set(id, { high, low, registered: true, revoked });
  }

  create(id: string, { model, specHash, budget, deadline, token = TOKEN }: Pick<ChainJob, 'model' | 'specHash' | 'budget' | 'deadline'> & { readonly token?: string }): void {
    this.#transact('create', (state) => {
      move(state, CLIENT, 'held', budget);
      state.jobs.set(id, { ...NOTHING, client: CLIENT, token, model, specHash, budget, deadline, since: this.now, state: 'open' });
    });
  }

  /** By the client. */
  cancel(id: string): void {
    this.#transact('cancel', (state) => this.#close(state, id, ['open'], 'cancelled', 0n));
  }

  /** By the court. */
  dispute(id: string): void {
    this.#transact('dispute', (state) => state.jobs.set(id, { ...this.#in(state, id, ['submitted']), state: 'disputed', since: this.now }));
  }
  resolve(id: string, refund: boolean): void {
    this.#transact('resolve', (state) => this.#close(state, id, ['disputed'], refund ? 'refunded' : 'settled', refund ? 0n : this.#in(state, id, ['disputed']).used));
  }

  async startJob(id: string): Promise<string> {
    return this.#send(`start ${id}`, (state) => {
      const job = this.#in(state, id, ['open']);
      if (this.now > job.deadline) throw new Error('CIRO-JM: past deadline');
      state.jobs.set(id, { ...job, state: 'running' });
    });
  }

  async submitResult(id: string, resultRoot: string, used: bigint): Promise<string> {
    return this.#send(`submit ${id}`, (state) => {
      const job = this.#in(state, id, ['running']);
      if (this.now > job.deadline) throw new Error('CIRO-JM: past deadline');
      if (BigInt(resultRoot) === 0n) throw new Error('CIRO-JM: zero result root');
      if (used > job.budget) throw new Error('CIRO-JM: over budget');
      state.jobs.set(id, { ...job, resultRoot, used, since: this.now, state: 'submitted' });
    });
  }

  async settleJob(id: string): Promise<string> {
    return this.#send(`settle ${id}`, (state) => {
      const job = this.#in(state, id, ['submitted']);
      if (this.now < job.since + this.disputeWindow) throw new Error('CIRO-JM: dispute window open');
      this.#close(state, id, ['submitted'], 'settled', job.used);
    });
  }

  async refundExpired(id: string): Promise<string> {
    return this.#send(`refund ${id}`, (state) => {
      const job = this.#in(state, id, ['open', 'running']);
      if (this.now < job.deadline + this.refundGrace) throw new Error('CIRO-JM: not expired');
      this.#close(state, id, ['open', 'running'], 'refunded', 0n);
    });
  }

  /** Takes the last `count` transactions back; nobody has heard of them. */
  reorganise(count: number): void {
    this.#states.splice(-count);
    for (const transaction of this.sent.splice(-count)) this.#receipts.delete(transaction);
  }

  async job(id: string, at: 'newest' | 'settled'): Promise<ChainJob> {
    this.#crash(`chain job ${at}`);
    return this.#states.at(at === 'newest' ? -1 : -1 - this.lag)?.jobs.get(id) ?? NOTHING;
  }
  async model(id: string): Promise<RegisteredModel> {
    return this.models.get(id) ?? { high: 0n, low: 0n, registered: false, revoked: false };
  }
  async sinkOf(token: string): Promise<string> {
    return token === TOKEN ? STORE : '0x0';
  }
  async mayCoordinate(): Promise<boolean> {
    return this.coordinates;
  }
  async times(): Promise<{ refundGrace: number; disputeWindow: number }> {
    return { refundGrace: this.refundGrace, disputeWindow: this.disputeWindow };
  }
  async time(): Promise<number> {
    return this.now;
  }
  async receipt(transaction: string): Promise<Receipt> {
    return this.#receipts.get(transaction) ?? { state: 'unknown' };
  }

  get #newest(): State {
    return this.#states.at(-1) ?? { jobs: new Map(), balances: new Map() };
  }

  #in(state: State, id: string, wanted: readonly ChainJobState[]): ChainJob {
    const job = state.jobs.get(id) ?? NOTHING;
    if (!wanted.includes(job.state)) throw new Error(job.state === 'unknown' ? 'CIRO-JM: unknown job' : 'CIRO-JM: bad state');
    return job;
  }

  #close(state: State, id: string, from: readonly ChainJobState[], to: ChainJobState, earned: bigint): void {
    const job = this.#in(state, id, from);
    move(state, 'held', STORE, earned);
    move(state, 'held', job.client, job.budget - earned);
    state.jobs.set(id, { ...job, state: to });
  }

  /** A node refuses what would revert before it takes it. */
  #send(what: string, run: (state: State) => void): string {
    this.#crash(what);
    const transaction = this.#transact(what, run);
    this.#crash(`${what} sent`);
    return transaction;
  }

  #transact(what: string, run: (state: State) => void): string {
    const { jobs, balances } = this.#newest;
    const next = { jobs: new Map(jobs), balances: new Map(balances) };
    run(next);
    this.#states.push(next);
    const transaction = `0x${(++this.#count).toString(16)}`;
    this.sent.push(transaction);
    this.#receipts.set(transaction, { state: 'in-block', block: { number: this.#states.length, hash: `${transaction} ${what}` } });
    return transaction;
  }
}

function move({ balances }: State, from: string, to: string, amount: bigint): void {
  const has = balances.get(from) ?? 0n;
  if (has < amount) throw new Error('CIRO-TK: low balance');
  balances.set(from, has - amount);
  balances.set(to, (balances.get(to) ?? 0n) + amount);
}
