import { createHash, randomBytes } from 'node:crypto';
import { blindBytes, blindCommitment, rowHashes, rowPieces } from '@ciro/core/audit/blind.ts';
import { nonceBytesToSign, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';
import type { ReferenceRun, ReferenceTask } from '@ciro/signaling/audit/ports.ts';
import { SCRIPTED_HIDDEN, scriptedId, scriptedRow } from './scripted-stage.ts';
import type { ScriptedWorker } from './scripted-worker.ts';

type Received<T extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: T }>;

/** Ways in which a worker may misbehave once its job is over. */
export interface AuditMisbehaviour {
  /** Keeps its nonce to itself. */
  readonly hidesNonce?: boolean;
  /** Supplies no rows. */
  readonly withholds?: boolean;
}

const ROW_BYTES = 4 * SCRIPTED_HIDDEN;
const sha256 = (bytes: Uint8Array): HexHash => createHash('sha256').update(bytes).digest('hex') as HexHash;

/** Rows of positions [0, count) at a boundary, as an honest engine has them. */
function honestRows(count: number, boundary: number): Float32Array {
  const rows = new Float32Array(count * SCRIPTED_HIDDEN);
  for (let position = 0; position < count; position++) rows.set(scriptedRow(position, boundary), position * SCRIPTED_HIDDEN);
  return rows;
}

/** What the fabricated model's own logits say of the ids in a last stage's payload, which ends at `positions`. */
function lookAtIds(payload: Uint8Array, promptTokens: number, positions: number): SampledIds {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const first = positions - payload.length / (ROW_BYTES + 4);
  const wrong: SampledIds['wrong'] = [];
  let checked = 0;
  for (let position = promptTokens - 1; position < positions; position++, checked++) {
    const id = view.getUint32((position - first) * (ROW_BYTES + 4) + ROW_BYTES, true);
    if (id !== scriptedId(position)) wrong.push({ position, id, gap: 9 });
  }
  return { checked, ambiguous: 0, wrong: wrong.slice(0, 16) };
}

/** The coordinator's own run, of the fabricated model. */
export const scriptedReference: ReferenceRun = {
  async run({ positions, layers, check }: ReferenceTask) {
    return { rows: honestRows(positions, layers[1]), ids: check === undefined ? null : lookAtIds(check.payload, check.sampling.promptTokens, positions) };
  },
};

/** The part that a worker has in audits, of its own work and of others': give as `onMessage` to a ScriptedWorker. */
export function auditing(misbehaviour: AuditMisbehaviour = {}): (message: CoordinatorMessage, worker: ScriptedWorker) => void {
  const tasks = new Map<string, { readonly task: Received<'audit'>; readonly salt: string; readonly rows: Float32Array; readonly payload: Map<number, Uint8Array>; opened: boolean }>();
  const plans = new Map<string, Received<'plan'>>();
  return (message, worker) => {
    switch (message.type) {
      case 'plan':
        plans.set(message.signed.plan.job, message);
        return;
      case 'reveal':
        if (misbehaviour.hidesNonce !== true) void openNonce(worker, plans.get(message.job), message);
        return;
      case 'supply':
        if (misbehaviour.withholds === true) worker.send({ type: 'supply-refused', audit: message.audit, side: message.side, code: 'not-held', message: 'gone' });
        else supply(worker, message);
        return;
      case 'audit': {
        const task = { task: message, salt: randomBytes(16).toString('hex'), rows: honestRows(message.positions, message.layers[1]).subarray((message.from ?? 0) * SCRIPTED_HIDDEN), payload: new Map<number, Uint8Array>(), opened: false };
        tasks.set(message.audit, task);
        void commit(worker, task);
        return;
      }
      case 'piece': {
        const audit = tasks.get(message.audit);
        if (audit === undefined || message.side !== 'payload') return;
        audit.payload.set(message.unit, message.bytes.slice());
        if (audit.opened) answer(worker, audit);
        return;
      }
      case 'audit-open': {
        const audit = tasks.get(message.audit);
        if (audit === undefined) return;
        audit.opened = true;
        answer(worker, audit);
        return;
      }
      default:
    }
  };

  function answer(worker: ScriptedWorker, { task, salt, rows, payload }: NonNullable<ReturnType<typeof tasks.get>>): void {
    const first = (task.from ?? 0) / UNIT_POSITIONS;
    const units = Math.ceil(task.positions / UNIT_POSITIONS) - first;
    if (task.sampling !== null && payload.size < units) return;
    const ids = task.sampling === null ? null : lookAtIds(new Uint8Array(Buffer.concat(Array.from({ length: units }, (_, index) => payload.get(first + index) ?? new Uint8Array()))), task.sampling.promptTokens, task.positions);
    sendPieces(worker, task.audit, 'rows', rowPieces(rows, SCRIPTED_HIDDEN), first);
    worker.send({ type: 'audit-opened', audit: task.audit, salt, rows: rowHashes(rows, SCRIPTED_HIDDEN), ids });
  }
}

async function openNonce(worker: ScriptedWorker, plan: Received<'plan'> | undefined, { job, version, roots }: Received<'reveal'>): Promise<void> {
  if (plan === undefined) return;
  const planHash = planHashOf(plan.signed.plan);
  const rootsHash = rootsHashOf({ network: worker.network, job, planHash, roots });
  const nonce = worker.nonces.get(plan.signed.plan.stages[plan.stage]?.nonce ?? '') ?? '';
  worker.send({ type: 'nonce', job, version, rootsHash, nonce, signature: await worker.sign(nonceBytesToSign({ network: worker.network, job, planHash, rootsHash, nonce })) });
}

function supply(worker: ScriptedWorker, { audit, job, side, from = 0, units }: Received<'supply'>): void {
  const stage = worker.stage(job);
  if (stage !== undefined) sendPieces(worker, audit, side, Array.from({ length: units - from }, (_, index) => stage.piece(side, from + index)), from);
}

async function commit(worker: ScriptedWorker, { task, salt, rows }: { readonly task: Received<'audit'>; readonly salt: string; readonly rows: Float32Array }): Promise<void> {
  const { audit, job, planHash, stage } = task;
  const commitment = blindCommitment({ network: worker.network, audit, job, planHash, stage, auditor: worker.nodeId, salt, rows: rowHashes(rows, SCRIPTED_HIDDEN) });
  worker.send({ type: 'audit-blind', audit, engine: 'wasm', commitment, signature: await worker.sign(blindBytes(commitment)) });
}

function sendPieces(worker: ScriptedWorker, audit: Received<'audit'>['audit'], side: 'input' | 'payload' | 'rows', pieces: readonly Uint8Array[], first: number): void {
  pieces.forEach((bytes, index) => worker.send({ type: 'piece', audit, side, unit: first + index, sha256: sha256(bytes), offset: 0, total: bytes.length, bytes: Uint8Array.from(bytes) }));
}
