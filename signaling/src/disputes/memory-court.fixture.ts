import type { Charge, CourtCase, CourtPort, CourtSettings, Ruling, Transaction } from './court-port.ts';
import type { Tier } from './pool-port.ts';

const SETTINGS: CourtSettings = {
  pool: '0x1', store: '0x2', jobManager: '0x3', bondToken: '0x4', stakeToken: '0x5', treasury: '0x6',
  bond: 10n, responseWindow: 60, voteWindow: 60, quorum: 2, capCaseBps: 5_000, capDay: 1_000n, challengerBps: 3_000, burnBps: 0,
};
/** Whose account moves. */
export const OURS = '0xc0';

interface Tried {
  readonly hash: string;
  readonly apply: () => void;
  state: Transaction;
}

/** Court and pool in memory: what is sent waits until `mine`, which takes it into a block of its own, or refuses it as the contract would. */
export class MemoryCourt implements CourtPort {
  account: string | null = OURS;
  time = 1_000;
  block = 1;
  readonly cases: CourtCase[] = [];
  readonly rulings = new Map<number, Ruling>();
  readonly stakes = new Map<string, bigint>();
  /** Bonds by account: what each has paid in, less what it got out. */
  readonly paid = new Map<string, bigint>();
  /** Asked before and after every call: what it throws is as a crash there. */
  crash: (at: string) => void = () => undefined;
  readonly #sent: Tried[] = [];

  /** Everything that was sent gets into blocks. */
  mine(): void {
    for (const tried of this.#sent.filter(({ state }) => state.state === 'waiting')) {
      this.block++;
      try {
        tried.apply();
        tried.state = { state: 'succeeded' };
      } catch (error) {
        tried.state = { state: 'reverted', reason: (error as Error).message };
      }
    }
  }

  pass(seconds: number): void {
    this.time += seconds;
    this.block++;
  }

  /** An arbiter's vote, at once. */
  ruleBy(id: number, guilty: boolean, votes = 2): void {
    this.#change(id, (found) => (guilty ? { guiltyVotes: found.guiltyVotes + votes, leastSlash: 50n } : { notGuiltyVotes: found.notGuiltyVotes + votes }));
  }

  /** Somebody opens a case, at once. */
  openAs(challenger: string, charge: Charge): number {
    const id = this.cases.length + 1;
    if (charge.kind !== 'worker' && this.#openAbout(charge) > 0) throw new Error('CIRO-DC: case open');
    this.cases.push({ ...charge, id, state: 'open', challenger, answer: null, respondUntil: this.time + 60, voteFrom: this.time + 60, voteUntil: this.time + 120, guiltyVotes: 0, notGuiltyVotes: 0, leastSlash: 0n });
    this.#pay(challenger, SETTINGS.bond);
    return id;
  }

  #openAbout({ kind, accused, ref }: Omit<Charge, 'evidence'>): number {
    return this.cases.filter((each) => each.state === 'open' && each.kind === kind && each.accused === accused && each.ref === ref).length;
  }

  /** The chain forgets a case, as a reorganisation does. */
  forget(id: number): void {
    this.cases.splice(id - 1, 1);
  }

  finaliseNow(id: number): void {
    const found = this.cases[id - 1];
    if (found?.state !== 'open') throw new Error('CIRO-DC: case closed');
    const { quorum, bond } = SETTINGS;
    const guilty = found.guiltyVotes >= quorum;
    const byTimeout = !guilty && found.notGuiltyVotes < quorum;
    if (byTimeout && this.time < found.voteUntil) throw new Error('CIRO-DC: not decided');
    const slashed = guilty ? 50n : 0n;
    const bondTo = guilty ? found.challenger : found.accused;
    this.#pay(bondTo, -bond);
    this.stakes.set(found.accused, (this.stakes.get(found.accused) ?? 0n) - slashed);
    this.#change(id, () => ({ state: guilty ? 'guilty' : 'not guilty' }));
    this.rulings.set(id, { guilty, byTimeout, slashed, bondTo, transaction: `0xf${id}`, block: this.block });
  }

  settings = (): Promise<CourtSettings> => this.#call('settings', () => SETTINGS);
  caseCount = (): Promise<number> => this.#call('caseCount', () => this.cases.length);
  find = (id: number): Promise<CourtCase | undefined> => this.#call('find', () => this.cases[id - 1]);
  openedBy = (account: string, { kind, accused, ref, evidence }: Charge): Promise<readonly number[]> =>
    this.#call('openedBy', () => this.cases.filter((each) => each.challenger === account && each.kind === kind && each.accused === accused && each.ref === ref && each.evidence === evidence).map(({ id }) => id));
  refCap = (about: Omit<Charge, 'evidence'>): Promise<{ cap: bigint; slashed: bigint; openCases: number }> => this.#call('refCap', () => ({ cap: 50n, slashed: 0n, openCases: this.#openAbout(about) }));
  mayVote = (): Promise<boolean> => this.#call('mayVote', () => true);
  ruling = (id: number): Promise<Ruling | undefined> => this.#call('ruling', () => this.rulings.get(id));
  head = (): Promise<{ number: number; time: number }> => this.#call('head', () => ({ number: this.block, time: this.time }));
  transaction = (hash: string): Promise<Transaction> => this.#call('transaction', () => this.#sent.find((each) => each.hash === hash)?.state ?? { state: 'unknown' });
  open = (charge: Charge): Promise<string> => this.#send('open', () => void this.openAs(OURS, charge));
  respond = (id: number, evidence: string): Promise<string> => this.#send('respond', () => this.#change(id, () => ({ answer: evidence })));
  vote = (id: number, guilty: boolean): Promise<string> => this.#send('vote', () => this.ruleBy(id, guilty, 1));
  finalise = (id: number): Promise<string> => this.#send('finalise', () => this.finaliseNow(id));
  closeStuck = (id: number): Promise<string> => this.#send('closeStuck', () => this.finaliseNow(id));

  tierOf = (account: string): Promise<Tier> => this.#call('tierOf', () => (this.stakes.has(account) ? 'staked' : 'unknown'));
  atRisk = (account: string): Promise<bigint> => this.#call('atRisk', () => this.stakes.get(account) ?? 0n);

  async #call<T>(at: string, make: () => T): Promise<T> {
    this.crash(`before ${at}`);
    const result = make();
    this.crash(`after ${at}`);
    return result;
  }

  #send(at: string, apply: () => void): Promise<string> {
    return this.#call(at, () => {
      const hash = `0x${(this.#sent.length + 1).toString(16)}`;
      this.#sent.push({ hash, apply, state: { state: 'waiting' } });
      return hash;
    });
  }

  #change(id: number, change: (found: CourtCase) => Partial<CourtCase>): void {
    const found = this.cases[id - 1];
    if (found === undefined) throw new Error('CIRO-DC: unknown case');
    this.cases[id - 1] = { ...found, ...change(found) };
  }

  #pay(account: string, amount: bigint): void {
    this.paid.set(account, (this.paid.get(account) ?? 0n) + amount);
  }
}
