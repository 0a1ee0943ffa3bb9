import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { planBytes, positionsOf } from '@ciro/core/job/plan.ts';
import { KvCache } from '@ciro/core/model/kv-cache.ts';
import { StageError } from './stage-error.ts';
import type { JobPlan, SignedPlan } from '@ciro/core/job/plan.ts';
import type { PlanRefusal } from './stage-error.ts';
import type { NonceBook } from './nonce-book.ts';
import type { HeldStage, StageIdentity, StagePorts } from './stage-ports.ts';

/** A plan as it came, with what only the coordinator's message says. */
export interface OfferedPlan {
  readonly signed: SignedPlan;
  readonly stage: number;
  /** Little-endian uint32, for the first stage only. */
  readonly promptIds: Uint8Array | null;
}

/** What a plan is checked against besides the layers that are held. */
export interface PlanChecks {
  readonly identity: StageIdentity;
  readonly verify: StagePorts['verify'];
  readonly nonces: Pick<NonceBook, 'claim'>;
  /** Makes room for `needed` bytes where that costs nobody anything, and gives the bytes held beside the engine's. */
  heldBeside(needed: number): number;
}

/**
 * Checks that this worker may and can do `stage` of a plan (PROTOCOL 2, SPEC P2); returns the prompt's ids for the first stage.
 * Cheap checks come last on purpose: what is not signed is not looked into.
 *
 * @throws StageError with a PlanRefusal code
 */
export async function checkPlan(offered: OfferedPlan, held: HeldStage | undefined, { identity, verify, nonces, heldBeside }: PlanChecks): Promise<Uint32Array | null> {
  const { plan, signature } = offered.signed;
  if (!(await verify(identity.coordinatorPublicKey, planBytes(plan), signature))) throw refuse('unsigned-plan', plan, 'is not signed by the coordinator of this connection; nothing is computed for it', 'peer');
  if (plan.network !== identity.network) throw refuse('wrong-network', plan, `belongs to network ${plan.network}; this worker serves ${identity.network}`, 'peer');
  const mine = plan.stages[offered.stage];
  if (mine?.worker !== identity.nodeId || mine.devicePublicKey !== identity.devicePublicKey) {
    throw refuse('not-mine', plan, `gives stage ${offered.stage} to another worker or device key; connect again so that the coordinator learns this one`, 'peer');
  }
  // The coordinator has used it, whatever else is wrong with the plan.
  nonces.claim(plan, offered.stage);
  if (held === undefined) throw refuse('not-ready', plan, 'came before any layers were loaded; assign layers first', 'peer');
  if (plan.modelId !== held.modelId) throw refuse('wrong-model', plan, `is for model ${plan.modelId}; this worker holds ${held.modelId}`, 'peer');
  const [from, to] = mine.layers;
  const isLast = offered.stage === plan.stages.length - 1;
  if (from !== held.shape.from || to !== held.shape.to || (isLast && to !== held.architecture.layers)) {
    throw refuse('wrong-layers', plan, `wants layers ${from} to ${to} of ${held.architecture.layers}; this worker holds ${held.shape.from} to ${held.shape.to}`, 'peer');
  }
  const positions = positionsOf(plan);
  if (positions > held.architecture.context) throw refuse('past-the-context', plan, `needs ${positions} positions; the model has ${held.architecture.context}`, 'user');
  const bytes = jobBytes(plan, held);
  // Making room may give back some of what the engine holds.
  const besideBytes = heldBeside(bytes);
  const heldBytes = held.engine.promisedBytes + besideBytes;
  if (heldBytes + bytes > identity.memoryBudgetBytes) {
    throw refuse('over-memory', plan, `needs ${bytes} bytes beside the ${heldBytes} held; this device gives ${identity.memoryBudgetBytes}`, 'platform');
  }
  return checkPrompt(offered, held.architecture.vocabulary);
}

/** Bytes a job takes on this stage: KV cache, and the rows it was given and made. */
export function jobBytes(plan: JobPlan, held: HeldStage): number {
  const positions = positionsOf(plan);
  const rowBytes = 4 * held.architecture.hidden;
  return KvCache.bytesFor(held.architecture, held.shape.to - held.shape.from, positions) + positions * (held.shape.embeds ? rowBytes + 4 : 2 * rowBytes);
}

function checkPrompt({ signed: { plan }, stage, promptIds }: OfferedPlan, vocabulary: number): Uint32Array | null {
  if (stage !== 0) {
    if (promptIds !== null) throw refuse('wrong-prompt', plan, `came with prompt ids for stage ${stage}; only the first stage reads them`, 'peer');
    return null;
  }
  if (promptIds?.length !== 4 * plan.promptTokens) throw refuse('wrong-prompt', plan, `names ${plan.promptTokens} prompt tokens; ${promptIds?.length ?? 0} bytes of ids came`, 'peer');
  if (toHex(sha256(promptIds)) !== plan.promptHash) throw refuse('wrong-prompt', plan, 'came with prompt ids of another hash than the signed one', 'peer');
  const ids = new Uint32Array(Uint8Array.from(promptIds).buffer);
  const stranger = ids.find((id) => id >= vocabulary);
  if (stranger !== undefined) throw refuse('wrong-prompt', plan, `holds token id ${stranger}; the vocabulary has ${vocabulary}`, 'user');
  return ids;
}

function refuse(code: PlanRefusal, plan: JobPlan, what: string, fault: 'peer' | 'user' | 'platform'): StageError {
  return new StageError(code, `The plan of job ${plan.job}, version ${plan.version}, ${what}.`, { fault, fields: { job: plan.job, version: plan.version } });
}
