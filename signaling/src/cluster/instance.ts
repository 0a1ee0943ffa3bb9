import type { JobId } from '@ciro/core/ids.ts';

/** What an instance says of itself. */
export interface InstanceSays {
  /** Takes no new workers and questions: it is about to end. */
  readonly draining: boolean;
  /** Runs what only one may run. */
  readonly leads: boolean;
  /** Workers that are connected to it. */
  readonly workers: number;
  /** That must still come before it can answer anything. */
  readonly missing: number;
  /** Its rings that may serve. */
  readonly rings: number;
  /** Jobs that wait or run. */
  readonly jobs: number;
}

/** One coordinator process among several over one database. */
export interface Instance {
  /** Given once, never again: its jobs' ids begin with it (SPEC Z1). */
  readonly number: number;
  /** Where the others reach it, e.g. `http://10.0.0.5:8080`; no slash at the end. */
  readonly url: string;
  readonly said: InstanceSays;
}

/** A row of the list of instances. */
export interface StoredInstance extends Instance {
  /** Whether its process is connected to the database. */
  readonly alive: boolean;
  /** Who goes on with what it left; null while it is alive, or nobody has looked. */
  readonly successor: number | null;
}

/** Port: who is there. */
export interface InstanceStore {
  /** A new instance with a number of its own. `name`: of its seat. `publicKey`: that of the network, 65 bytes in hex. */
  enter(instance: { readonly name: string; readonly url: string; readonly publicKey: string }): Promise<number>;
  /** Replaces what is known of it. */
  say(number: number, says: InstanceSays): Promise<void>;
  /** Everybody that is known, in the order of their numbers. */
  list(): Promise<readonly StoredInstance[]>;
  /** Key of the instances that are alive, but for this one; undefined when there is none. */
  publicKeyOfOthers(number: number): Promise<string | undefined>;
  /** `by` goes on with what the instances left. */
  succeed(numbers: readonly number[], by: number): Promise<void>;
}

/** Port: this process's seat at the database, which ends with it. */
export interface Seat {
  /** Known to the others as long as the process is connected. */
  readonly name: string;
  /** Takes the lock of the one that leads; false while another process has it. */
  lead(): Promise<boolean>;
  /** Resolves when the seat is lost: another may lead. */
  readonly lost: Promise<void>;
}

/** Hex digits of an instance's number in the ids of its jobs: 16 million starts of a process. */
export const NUMBER_DIGITS = 6;

/** The digits that the ids of an instance's jobs begin with. */
export const prefixOf = (number: number): string => number.toString(16).padStart(NUMBER_DIGITS, '0');

/** Number of the instance that made a job's id; of ids that no instance made, any number. */
export const instanceOf = (job: string | JobId): number => Number.parseInt(job.slice(0, NUMBER_DIGITS), 16);
