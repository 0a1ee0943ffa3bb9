import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { LedgerLink, LinkProblem } from '@ciro/core/ledger/head.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';

export type CreditMessage = Extract<CoordinatorMessage, { type: 'credit' }>;

/** What a worker can show about its credit: everything but the coordinator's own message is signed. */
export interface CreditProof {
  readonly signed: SignedPlan;
  readonly stage: number;
  readonly receipts: readonly Receipt[];
  readonly acknowledgements: readonly Acknowledgement[];
  /** Where the coordinator ended the job; null when it did not say. */
  readonly acceptedTo: number | null;
  readonly credit: CreditMessage;
}

/** Two heads of one coordinator's ledger that do not lie on one chain: both signed; and what came of asking for the links. */
export interface ForkProof {
  readonly coordinatorPublicKey: string;
  readonly heads: readonly [SignedHead, SignedHead];
  /** Null when both have one sequence: then they are the proof by themselves. */
  readonly links: { readonly problem: LinkProblem | null; readonly shown: readonly LedgerLink[]; readonly refused: string | null } | null;
}

/** The coordinator was seen to do what it must not (SPEC B2, B3). Plain data, kept with its proof. */
export type Alarm =
  /** `dropped-receipt`: positions that the neighbour acknowledged are not paid. `underpaid`: the amount or the answer's length falls short. */
  | { readonly kind: 'underpaid' | 'dropped-receipt'; readonly job: string; readonly message: string; readonly expected: string; readonly got: string; readonly proof: CreditProof }
  | { readonly kind: 'forked-ledger'; readonly message: string; readonly proof: ForkProof };
