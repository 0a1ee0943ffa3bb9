import type { ContributeOptions, ParticipantView } from './participant-view.ts';
import type { PayoutFace } from './payout-face.ts';
import type { FinishedWork } from './work-store.ts';

/** This tab's contribution, as faces use it. */
export interface Contributor {
  /** Calls the listener at each change, at most a few times a second for counters; returns the way out. */
  subscribe(listener: (view: ParticipantView) => void): () => void;
  /** Joins and works until `stop`. Resolves when the way to the coordinator is being opened or has failed; failures are a state. */
  contribute(options: ContributeOptions): Promise<void>;
  /** Leaves the network and gives the memory back, at once. */
  stop(): void;
  /** Shows the identity that is here already, if there is one, and what it has on a chain; false when there is none. Rejects with WalletError. */
  findIdentity(): Promise<boolean>;
  /** Claims what the newest claimable epoch owes; what fails is a part of the view. */
  claimNow(): Promise<void>;
  /** Where this browser's worker is paid, and how that is changed: code that is loaded when it is asked for. Rejects with WalletError, also where there is no identity yet. */
  openPayout(): Promise<PayoutFace>;
  /** Text of a backup file of an identity of this browser. Rejects with WalletError. */
  exportIdentity(passphrase: string, identityPublicKey: string): Promise<string>;
  /** Puts the identity of a backup in the place of the present one; `replace`: although there is another one. Rejects with WalletError. */
  importIdentity(text: string, passphrase: string, replace: boolean): Promise<void>;
  /** Finished jobs of this browser, newest first; empty where it keeps nothing. */
  recentWork(count: number): Promise<FinishedWork[]>;
}
