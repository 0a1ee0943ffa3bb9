import { sha256 } from '@noble/hashes/sha2.js';
import { checkUnit } from '../audit/check-unit.ts';
import { fromBase64, toHex } from '../bytes.ts';
import { boundaryGrid, CommitmentError, cellsUnderHints } from '../commitment/cells.ts';
import { decodeHints } from '../commitment/hints.ts';
import { calibrationOf } from '../model/parse-manifest.ts';
import { checkOf, wrong } from './report.ts';
import type { HexHash } from '../ids.ts';
import type { StageShape } from '../model/architecture.ts';
import type { CalibrationTable } from '../model/manifest.ts';
import type { EvidenceStage, EvidenceUnit } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** A run of the model that the reader trusts: his own (the reference run: WASM, one thread, chunks of 16 from position 0). */
export interface RecomputePort {
  /** Rows [count, hidden] at the end of a stage for its inputs at positions 0, 1, …: ids where it embeds, else rows. */
  rows(stage: StageShape, inputs: Uint32Array | Float32Array): Promise<Float32Array>;
  /** Logits [vocabulary] of one final-norm row [hidden]. */
  logits(row: Float32Array): Promise<Float32Array>;
}

/** What a recomputed stage leaves to the next: its rows, and its check. */
interface StageResult {
  readonly check: Check;
  readonly rows: Float32Array;
}

/**
 * Computes every stage of the answer again from the prompt ids and compares each unit's cells under its hints (SPEC C4, A5); with
 * the pieces of an audit at hand, the stage's own inputs are taken and values are compared one by one (SPEC A6). Stops at the first
 * stage that differs: what follows from other rows proves nothing. Gives the final-norm rows, if it came so far.
 */
export async function recompute(facts: JobFacts, port: RecomputePort): Promise<{ readonly checks: readonly Check[]; readonly finalRows: Float32Array | undefined }> {
  const { evidence, ids } = facts;
  const { architecture } = evidence.manifest;
  const table = calibrationOf(evidence.manifest);
  const checks: Check[] = [];
  let rows: Float32Array | undefined;
  for (const [index, stage] of evidence.stages.entries()) {
    const [from, to] = stage.layers;
    const shape = { from, to, embeds: index === 0, heads: to === architecture.layers };
    const positions = stage.units.at(-1)?.to ?? 0;
    const inputs = rows === undefined ? Uint32Array.from(ids.slice(0, longest(facts))) : ownInputs(facts, stage, index, rows);
    const result = compare(facts, stage, index, await port.rows(shape, inputs), positions, table);
    checks.push(result.check);
    if (result.check.state === 'failed') return { checks, finalRows: undefined };
    rows = result.rows;
  }
  return { checks, finalRows: rows };
}

/** Positions of the longest stage, or of the answer where that left before its end. */
const longest = ({ evidence, positions }: JobFacts): number => Math.max(positions, ...evidence.stages.map((stage) => stage.units.at(-1)?.to ?? 0));

/** The inputs that the stage was really given, where an audit kept them; elsewhere the recomputed rows of the stage before. */
function ownInputs({ evidence, hidden }: JobFacts, stage: EvidenceStage, index: number, rows: Float32Array): Float32Array {
  const inputs = rows.slice();
  const before = (evidence.prefix ?? []).flatMap((part) => (part.stages[index] ?? []).map(({ receipt: { body } }) => ({ from: body.from, to: body.to, input_sha256: body.inputHash })));
  for (const { from, to, input_sha256: hash } of [...before, ...stage.units]) {
    const piece = pieceOf(evidence.pieces, hash);
    if (piece?.length === 4 * (to - from) * hidden) new Uint8Array(inputs.buffer).set(piece, 4 * from * hidden);
  }
  return inputs;
}

/** A piece with the hash it is kept under; undefined when it is not there. One with another hash is found by the audit check. */
function pieceOf(pieces: JobFacts['evidence']['pieces'], hash: HexHash): Uint8Array | undefined {
  const text = pieces?.[hash];
  if (text === undefined) return undefined;
  const bytes = fromBase64(text);
  return toHex(sha256(bytes)) === hash ? bytes : undefined;
}

function compare(facts: JobFacts, stage: EvidenceStage, index: number, rows: Float32Array, positions: number, table: CalibrationTable): StageResult {
  const { evidence, hidden } = facts;
  const last = index === evidence.stages.length - 1;
  const boundary = last ? evidence.manifest.architecture.layers + 1 : stage.layers[1];
  let opened = 0;
  let element: WrongElement | undefined;
  for (const [number, unit] of stage.units.entries()) {
    const at = `stages[${index}].units[${number}]`;
    const own = rows.subarray(unit.from * hidden, unit.to * hidden);
    const input = pieceOf(evidence.pieces, unit.input_sha256);
    const payload = pieceOf(evidence.pieces, unit.payload_sha256);
    if (input !== undefined && payload !== undefined) {
      opened++;
      element = byValue(unit, facts.firstUnit + number, own, { input, payload, table, boundary, last }, at);
    } else element = byCells(unit, own, table, boundary, at);
    if (element !== undefined) break;
  }
  const values = opened === 0 ? '' : `, ${opened} of them value by value`;
  return { check: checkOf(`stage ${index} recomputed`, element, `${stage.units.length} units, ${positions} positions through layers ${stage.layers[0]} to ${stage.layers[1] - 1}${values}`), rows };
}

function byValue(unit: EvidenceUnit, number: number, rows: Float32Array, opened: { input: Uint8Array; payload: Uint8Array; table: CalibrationTable; boundary: number; last: boolean }, at: string): WrongElement | undefined {
  const { input, payload, table, boundary, last } = opened;
  const { from, to, input_sha256: inputHash, payload_sha256: payloadHash, canonical_sha256: canonHash, hint_sha256: hintHash } = unit;
  const { finding } = checkUnit({ unit: number, from, to, inputHash, payloadHash, canonHash, hintHash, hints: fromBase64(unit.hints), input, payload }, rows, { table, boundary, last });
  if (finding === null) return undefined;
  const where = finding.position === undefined ? '' : ` at position ${finding.position}${finding.channel === undefined ? '' : `, channel ${finding.channel}`}`;
  return wrong(`${at}${fieldOf(finding.code)}`, finding.expected ?? 'the recomputed value', finding.got ?? 'another', `${finding.code}${where}`);
}

const fieldOf = (code: string): string => (code === 'own-cells' || code === 'cells' ? '.canonical_sha256' : code === 'bad-hints' || code === 'own-hints' ? '.hints' : '.payload_sha256');

/** Without the payload only the hash of the cells is known: it says that something in the unit differs, not what. */
function byCells(unit: EvidenceUnit, rows: Float32Array, table: CalibrationTable, boundary: number, at: string): WrongElement | undefined {
  const grid = boundaryGrid(table, boundary);
  const { channels } = grid;
  const cells = new Int32Array(rows.length);
  try {
    const flagAt = new Uint8Array(rows.length);
    for (const flag of decodeHints(fromBase64(unit.hints), rows.length)) flagAt[flag >>> 1] = 1 + (flag & 1);
    for (let row = 0; row < unit.to - unit.from; row++) {
      const part = [row * channels, (row + 1) * channels] as const;
      cellsUnderHints(rows.subarray(...part), unit.from + row, grid, flagAt.subarray(...part), cells.subarray(...part));
    }
  } catch (error) {
    if (!(error instanceof CommitmentError)) throw error;
    return wrong(`${at}.hints`, 'hints that the recomputed rows bear out', error.message, `recomputed rows of positions ${unit.from} to ${unit.to - 1}`);
  }
  const hash = toHex(sha256(cellBytes(cells)));
  return hash === unit.canonical_sha256 ? undefined : wrong(`${at}.canonical_sha256`, hash, unit.canonical_sha256, `hash of the recomputed cells of positions ${unit.from} to ${unit.to - 1}`);
}

/** Cells as they are hashed: little-endian int32 (SPEC U2). */
function cellBytes(cells: Int32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * cells.length));
  cells.forEach((cell, index) => view.setInt32(4 * index, cell, true));
  return new Uint8Array(view.buffer);
}
