import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { payloadRows } from '../commitment/payload-rows.ts';
import { blindBytes, blindCommitment } from './blind.ts';
import { checkUnit } from './check-unit.ts';
import { verdictOf } from './verdict.ts';
import type { UnitCheck } from './check-unit.ts';
import type { Problems, VerifySignature } from './problem.ts';
import type { AuditedStage } from './stage-evidence.ts';
import type { Opinion, Transcript } from './transcript.ts';

interface OpinionSources {
  readonly transcript: Transcript;
  readonly index: number;
  readonly opinion: Opinion;
  /** Undefined when the stage's units are not in order: the verdict cannot be made again. */
  readonly audited: AuditedStage | undefined;
  readonly pieces: ReadonlyMap<string, Uint8Array>;
  readonly verifySignature: VerifySignature;
  readonly coordinatorPublicKey: string;
}

/** Makes one opinion again: commitment, signature, and from the pieces its verdict (SPEC A4 to A6). Notes what differs. */
export async function checkOpinion(problems: Problems, unchecked: string[], { transcript, index, opinion, audited, pieces, verifySignature, coordinatorPublicKey }: OpinionSources): Promise<void> {
  const at = `opinions[${index}]`;
  const { network, job, planHash, stage } = transcript;
  const { audit, auditor, salt, rows, commitment } = opinion;
  const own = auditor === 'coordinator';
  problems.compare(`${at}.independent`, !own, opinion.independent, 'the coordinator is never independent');
  problems.compare(`${at}.engine`, own, opinion.engine === 'reference', 'the reference run is the coordinator\'s');
  if (own) problems.compare(`${at}.devicePublicKey`, coordinatorPublicKey, opinion.devicePublicKey, 'the coordinator signs with its own key');
  problems.compare(`${at}.commitment`, blindCommitment({ network, audit, job, planHash, stage, auditor, salt, rows }), commitment, 'the opening gives the commitment');
  const signed = await verifySignature(opinion.devicePublicKey, blindBytes(commitment), opinion.signature);
  problems.demand(signed, `${at}.signature`, 'the auditor\'s signature over its commitment', opinion.signature, 'the auditor did not post this');
  if (!problems.compare(`${at}.rows.length`, transcript.units, rows.length, 'one hash a unit') || audited === undefined) return;
  // The reference run alone follows near rows to the ids that came of them (SPEC A10).
  problems.demand(opinion.ids === null || audited.stage.last || own, `${at}.ids`, 'null', opinion.ids, 'only the last stage samples');

  const checks = unitChecks(problems, at, opinion, audited, pieces);
  if (checks === undefined) unchecked.push(`${at}.verdict: not all of its pieces are at hand`);
  else if (checks !== 'wrong') compareVerdicts(problems, at, opinion, checks);
}

/** Undefined when a piece is missing; `wrong`, with a problem noted, when one is not what it is called. */
function unitChecks(problems: Problems, at: string, { rows }: Opinion, { stage, units }: AuditedStage, pieces: ReadonlyMap<string, Uint8Array>): UnitCheck[] | undefined | 'wrong' {
  const checks: UnitCheck[] = [];
  for (const [index, { unit, leaf }] of units.entries()) {
    const name = rows[index] ?? '';
    const [bytes, input, payload] = [pieces.get(name), pieces.get(unit.givenHash ?? unit.inputHash), pieces.get(unit.payloadHash)];
    if (bytes === undefined || input === undefined || payload === undefined) return undefined;
    if (!problems.compare(`${at}.rows[${index}]`, name, toHex(sha256(bytes)), 'SHA-256 of the piece')) return 'wrong';
    const opened = payloadRows(bytes, { positions: unit.to - unit.from, channels: stage.table.hidden, ids: false });
    if (opened === undefined) {
      problems.demand(false, `${at}.rows[${index}]`, `${unit.to - unit.from} rows of ${stage.table.hidden} channels`, `${bytes.length} bytes`, 'shape of the auditor\'s rows');
      return 'wrong';
    }
    checks.push(checkUnit({ ...unit, input, payload, ...(leaf === undefined ? {} : { leaf }) }, opened.rows, stage));
  }
  return checks;
}

function compareVerdicts(problems: Problems, at: string, { ids, verdict }: Opinion, checks: readonly UnitCheck[]): void {
  const again = verdictOf(checks, ids);
  problems.compare(`${at}.verdict.passed`, again.passed, verdict.passed, 'verdict made again from the pieces');
  for (const key of ['unit', 'code', 'position', 'channel', 'got', 'expected'] as const) {
    if (!problems.compare(`${at}.verdict.first.${key}`, again.first?.[key] ?? null, verdict.first?.[key] ?? null, 'first wrong element, made again from the pieces')) break;
  }
  problems.compare(`${at}.verdict.worstOfTau`, again.worstOfTau, verdict.worstOfTau, 'largest difference, made again from the pieces');
  problems.compare(`${at}.verdict.meanOfTau`, again.meanOfTau, verdict.meanOfTau, 'largest mean difference, made again from the pieces');
}
