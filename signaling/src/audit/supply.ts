import { SUPPLY_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { AuditId, NodeId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { Clock } from '../sessions/clock.ts';
import { SUPPLY_SILENT_MS } from './audit-limits.ts';
import { Ending } from './ending.ts';
import { PieceAssembler } from './piece-assembler.ts';
import { refusal } from './refusal.ts';
import type { AuditMessage, Exchanges } from './exchanges.ts';
import type { Piece } from './piece-assembler.ts';
import type { AuditWorkers } from './ports.ts';
import type { Refusal } from './refusal.ts';
import type { StageCase } from './stage-case.ts';

export interface SupplyDeps {
  readonly clock: Clock;
  readonly workers: AuditWorkers;
  readonly exchanges: Exchanges;
  readonly newAuditId: () => AuditId;
}

/** Input and payload of the units that are looked at, in unit order; before the inputs those of the units of earlier jobs (SPEC V4). */
export interface StagePieces {
  readonly inputs: readonly Piece[];
  readonly payloads: readonly Piece[];
}

/** Somebody who holds the bytes that are wanted, and under which name: they are known by their hash, not by who sends them. */
interface Holder {
  readonly worker: NodeId;
  readonly side: 'input' | 'payload';
}

/**
 * Collects what an audit of the first `units` units of a stage needs: from its worker, then from the neighbour that was given
 * the same bytes (SPEC A2, PROTOCOL 6). Undefined when nobody has them: then the work is unpaid, never more.
 */
export async function supplyStage(deps: SupplyDeps, record: JobRecord, stage: StageCase, units: number, signal: AbortSignal): Promise<StagePieces | undefined> {
  const { plan } = record.signed;
  const wanted = stage.units.slice(0, units);
  const inputs = new PieceAssembler('input', [...stage.prefix, ...wanted].map(({ unit, inputBytes, givenHash }) => ({ unit, bytes: inputBytes, sha256: givenHash })));
  const payloads = new PieceAssembler('payload', wanted.map(({ unit, payloadBytes, payloadHash }) => ({ unit, bytes: payloadBytes, sha256: payloadHash })));
  for (const { unit, given } of [...stage.prefix, ...wanted]) if (given !== undefined) inputs.offer(unit, given);
  const own = (side: Holder['side']): Holder => ({ worker: stage.worker, side });
  const before = stage.stage === 0 ? undefined : plan.stages[stage.stage - 1];
  // What leaves the last stage are ids: its payload is known to itself alone.
  const after = plan.stages[stage.stage + 1];
  const first = stage.prefix.length;
  const about = { job: plan.job, version: plan.version, units: first + wanted.length };
  // At a stop a neighbour's last unit may end elsewhere: it is only asked for what it signed in the same words.
  const signed = (neighbour: number, unit: number) => record.stages[neighbour]?.units.find(({ receipt }) => receipt.body.unit === unit)?.receipt.body;
  const givesInputs = before !== undefined && !stage.isAfterRebuilt && wanted.every(({ unit, givenHash }) => signed(stage.stage - 1, unit)?.payloadHash === givenHash);
  const wasGiven = after !== undefined && wanted.every(({ unit, payloadHash }) => signed(stage.stage + 1, unit)?.inputHash === payloadHash);
  await Promise.all([
    collect(deps, about, inputs, [own('input'), ...(givesInputs ? [{ worker: before.worker, side: 'payload' } as const] : [])], signal),
    collect(deps, first === 0 ? about : { ...about, from: first }, payloads, [own('payload'), ...(wasGiven ? [{ worker: after.worker, side: 'input' } as const] : [])], signal),
  ]);
  const [input, payload] = [inputs.pieces(), payloads.pieces()];
  return input === undefined || payload === undefined ? undefined : { inputs: input, payloads: payload };
}

type About = Pick<Extract<Parameters<AuditWorkers['send']>[1], { type: 'supply' }>, 'job' | 'version' | 'from' | 'units'>;

async function collect(deps: SupplyDeps, about: About, pieces: PieceAssembler, holders: readonly Holder[], signal: AbortSignal): Promise<void> {
  for (const holder of holders) {
    if (pieces.complete) return;
    pieces.restart();
    if (deps.workers.worker(holder.worker) !== undefined) await ask(deps, about, pieces, holder, signal);
  }
}

/** Asks one holder; over when all is here, or nothing more will come from it. */
async function ask({ clock, workers, exchanges, newAuditId }: SupplyDeps, about: About, pieces: PieceAssembler, { worker, side }: Holder, signal: AbortSignal): Promise<void> {
  const audit = newAuditId();
  const ending = new Ending<void>(clock, signal);
  const started = clock.now();
  const close = exchanges.open(audit, worker, {
    left: () => ending.end(),
    isOver: () => ending.over,
    take(message: AuditMessage): Refusal | undefined {
      if (message.type === 'supply-refused') {
        ending.end();
        return undefined;
      }
      if (message.type !== 'piece') return refusal('not-yours', 'not-an-auditor', `${message.type} about audit ${audit}, for which this worker was asked for pieces`);
      const before = pieces.taken;
      const refused = pieces.take(message, side);
      if (refused !== undefined || pieces.complete) ending.end();
      else if (pieces.taken > before) waitOn();
      return refused;
    },
  });
  const waitOn = (): void => {
    // A worker that drips is given up in the end, too: its neighbour keeps the rows no longer than that.
    const left = started + SUPPLY_TIMEOUT_MS - clock.now();
    ending.within(Math.min(SUPPLY_SILENT_MS, left), () => {
      if (left > SUPPLY_SILENT_MS && exchanges.silentMs(worker) < SUPPLY_SILENT_MS) waitOn();
      else ending.end();
    });
  };
  waitOn();
  workers.send(worker, { type: 'supply', audit, ...about, side });
  await ending.result.finally(close);
}
