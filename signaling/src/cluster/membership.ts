import { ClusterError } from './cluster-error.ts';
import { answererOf, homeOf, ownerOf } from './routing.ts';
import { instanceOf, prefixOf } from './instance.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Instance, InstanceSays, InstanceStore, Seat, StoredInstance } from './instance.ts';

/** How often an instance says what it has to do, and looks who is there: what routing knows of others is at most so old. */
export const BEAT_MS = 1_000;
/** Without a beat for so long an instance takes itself for lost. Its connection ends before, unless the database itself hangs: then nobody else takes its place, either. */
export const LOST_AFTER_MS = 30_000;

/** Gives which jobs were left by instances that are gone; asked for when the jobs in question have been read, for who enters later is known then. */
export type LeftBehind = () => Promise<(job: string) => boolean>;

export interface MembershipDeps {
  readonly store: InstanceStore;
  readonly seat: Seat;
  readonly clock: Clock;
  readonly load: () => Omit<InstanceSays, 'draining' | 'leads'>;
  /** Goes on with what was left (SPEC Z5); called by the one that leads, one call at a time, and again when it fails. */
  readonly recover: (leftBehind: LeftBehind) => Promise<void>;
  /** Called once, when this instance leads and has gone on with everything that was left. */
  readonly onLead: () => void;
  /** Called once, when this instance has lost its place: it is to end at once, and to write nothing more. */
  readonly onLost: (cause: ClusterError) => void;
  readonly onError: (error: unknown) => void;
}

/** This process among the instances of a network: says what it does, knows the others, and leads or follows (SPEC Z1 to Z5). */
export class Membership {
  readonly number: number;
  readonly #deps: MembershipDeps;
  #known: readonly StoredInstance[] = [];
  /** Workers that were sent to an instance since it said how many it has. */
  readonly #sent = new Map<number, number>();
  #draining = false;
  #leads = false;
  #ended = false;
  #heardAt: number;
  #cancel: () => void = () => undefined;
  #beat: Promise<void> = Promise.resolve();
  #recovering: Promise<void> | undefined;
  /** Instances whose work is to be gone on with. */
  #left: readonly number[] = [];
  #recoveredOnce = false;

  /**
   * Takes a number in the list of instances; throws ClusterError `other-network` when the others sign with another key, and `alone` when a coordinator
   * that is no instance uses the database. `start` begins.
   */
  static async enter(deps: MembershipDeps, { url, publicKey }: { readonly url: string; readonly publicKey: string }): Promise<Membership> {
    const number = await deps.store.enter({ name: deps.seat.name, url, publicKey });
    const others = await deps.store.publicKeyOfOthers(number);
    if (others !== undefined && others !== publicKey) {
      throw new ClusterError('other-network', 'the other instances over this database sign with another key; copy coordinator-key.json from the data folder of one of them into that of this one', { fault: 'user' });
    }
    const membership = new Membership(deps, number);
    membership.#leads = await deps.seat.lead();
    if (!membership.#leads && others === undefined) {
      throw new ClusterError('alone', 'a coordinator that is no instance uses the database; stop it, and start it again with CIRO_INSTANCE_URL', { fault: 'user' });
    }
    return membership;
  }

  private constructor(deps: MembershipDeps, number: number) {
    this.#deps = deps;
    this.number = number;
    this.#heardAt = deps.clock.now();
    void deps.seat.lost.then(() => this.#lose('its connection to the database has ended'));
  }

  /** Beats from now on; resolves after the first beat. */
  async start(): Promise<void> {
    await this.#once();
    this.#next();
  }

  /** Everybody who is alive, in the order of their numbers; what they say is at most BEAT_MS old. */
  get living(): readonly Instance[] {
    return this.#known.filter(({ alive }) => alive);
  }

  /** Where a worker that connects here is at home; it counts as one more there. */
  home(): Instance | undefined {
    const home = homeOf(
      this.living.map((instance) => {
        const sent = this.#sent.get(instance.number) ?? 0;
        const { workers, missing } = instance.said;
        return { ...instance, said: { ...instance.said, workers: workers + sent, missing: Math.max(0, missing - sent) } };
      }),
    );
    if (home !== undefined) this.#sent.set(home.number, (this.#sent.get(home.number) ?? 0) + 1);
    return home;
  }

  /** Who takes a question that came here. */
  answerer(): Instance | undefined {
    return this.#living(answererOf(this.living, this.number));
  }

  /** Who knows of a job while it is under way: the one that leads where no instance made its id; undefined when nobody is alive who does. */
  owner(job: string): Instance | undefined {
    const isOurs = this.#known.some(({ number }) => number === instanceOf(job));
    return isOurs ? this.#living(ownerOf(job, this.#known)) : this.leader();
  }

  /** The instance that runs what only one may run. */
  leader(): Instance | undefined {
    return this.living.find(({ said }) => said.leads);
  }

  /** The others send no more workers and questions here. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#once();
  }

  /** Says nothing more; resolves when nothing of it is under way. What it leaves is the others'. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#cancel();
    await this.#beat;
    await this.#recovering;
  }

  #living(number: number | undefined): Instance | undefined {
    return this.living.find((instance) => instance.number === number);
  }

  #next(): void {
    if (this.#ended) return;
    this.#cancel = this.#deps.clock.after(BEAT_MS, () => void this.#once().then(() => this.#next()));
  }

  /** One beat after the other; one that fails is told. */
  #once(): Promise<void> {
    return (this.#beat = this.#beat.then(() => this.#say()).catch((error: unknown) => {
      this.#deps.onError(error);
      if (this.#deps.clock.now() - this.#heardAt > LOST_AFTER_MS) this.#lose(`it could not reach the database for ${LOST_AFTER_MS / 1000} s`);
    }));
  }

  async #say(): Promise<void> {
    if (this.#ended) return;
    const { store, seat, clock, load } = this.#deps;
    this.#leads ||= await seat.lead();
    // Said when everything that was left is gone on with: whoever is sent here finds it.
    await store.say(this.number, { ...load(), draining: this.#draining, leads: this.#leads && this.#recoveredOnce });
    this.#known = await store.list();
    if (this.#living(this.number) === undefined) return this.#lose('the others take it for gone');
    this.#sent.clear();
    this.#heardAt = clock.now();
    if (this.#leads) await this.#inherit();
  }

  /** Takes what nobody who is alive goes on with; the work itself goes on beside the beats. */
  async #inherit(): Promise<void> {
    const orphans = this.#known.filter(({ number, alive }) => !alive && ownerOf(prefixOf(number), this.#known) === undefined).map(({ number }) => number);
    if (orphans.length > 0) {
      this.#left = [...this.#left, ...orphans];
      // Before anything goes on: whoever asks another instance for it is sent here.
      await this.#deps.store.succeed(orphans, this.number);
      this.#known = await this.#deps.store.list();
    }
    if (this.#recovering !== undefined || (this.#left.length === 0 && this.#recoveredOnce)) return;
    this.#recovering = this.#recover().catch(this.#deps.onError).finally(() => (this.#recovering = undefined));
  }

  async #recover(): Promise<void> {
    const { store, recover, onLead } = this.#deps;
    const taking = new Set(this.#left);
    const isFirst = !this.#recoveredOnce;
    await recover(async () => {
      const known = new Set((await store.list()).map(({ number }) => number));
      // Ids that no instance made are of a coordinator that ran alone.
      return (job) => taking.has(instanceOf(job)) || (isFirst && !known.has(instanceOf(job)));
    });
    this.#left = this.#left.filter((number) => !taking.has(number));
    this.#recoveredOnce = true;
    if (isFirst) onLead();
  }

  #lose(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancel();
    this.#deps.onLost(new ClusterError('lost', `instance ${this.number} has lost its place: ${why}; it ends, and another one goes on with what it had`, { fault: 'platform', fields: { number: this.number } }));
  }
}
