import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64, toHex } from '../bytes.ts';
import { decodeHints } from '../commitment/hints.ts';
import { leafHash } from '../commitment/leaf.ts';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { nodeIdOf, verifyJobRoot } from '../identity/identity.ts';
import { merkleRoot } from '../merkle/poseidon-tree.ts';
import { isLost } from './job-facts.ts';
import { checkOf, differs, notChecked, wrong } from './report.ts';
import type { EvidenceStage, EvidenceUnit } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** A unit for every paid position, on the grid, each with the hints that were hashed (SPEC U1, U5, C3, B4). */
export function checkUnits(facts: JobFacts, stage: EvidenceStage, index: number): Check {
  const at = `stages[${index}].units`;
  const name = `stage ${index} units`;
  const lost = isLost(facts, index);
  let covered = facts.reused;
  let element: WrongElement | undefined;
  for (const [number, unit] of stage.units.entries()) {
    element = gridOf(facts, unit, number, stage.units.length, lost, `${at}[${number}]`) ?? hintsOf(facts, unit, `${at}[${number}]`);
    if (element !== undefined) break;
    covered = unit.to;
  }
  if (element === undefined && covered < facts.positions && lost) return notChecked(name, `the worker left after ${covered} positions of ${facts.positions}: nobody committed to the others, nor to the ids that it gave there`);
  if (element === undefined && covered < facts.positions) element = wrong(`${at}[${stage.units.length}]`, `units up to position ${facts.positions}`, `none after position ${covered}`, 'a unit for every position of the answer');
  return checkOf(name, element, `${stage.units.length} units cover positions ${facts.reused} to ${covered - 1}`);
}

function gridOf({ evidence, positions, reused }: JobFacts, { from, to }: EvidenceUnit, number: number, count: number, lost: boolean, at: string): WrongElement | undefined {
  const start = reused + number * UNIT_POSITIONS;
  // Who left may have given the first stage one id more than the coordinator heard of.
  const unheard = evidence.finish_reason === 'moved' ? 1 : 0;
  const most = Math.min(start + UNIT_POSITIONS, evidence.prompt_ids.length + evidence.token_ids.length + evidence.surplus_ids.length - 1 + unheard);
  const fromWrong = differs(`${at}.from`, start, from, 'units lie on the grid of 16 positions');
  if (fromWrong !== undefined) return fromWrong;
  const least = lost ? start + 1 : Math.min(positions, most);
  // A stop may leave the last unit of one stage full and that of another cut: both are right (SPEC U1).
  if (number < count - 1) return differs(`${at}.to`, start + UNIT_POSITIONS, to, 'only the last unit may be short');
  return to <= start || to > most || to < least ? wrong(`${at}.to`, `${least} to ${most}`, to, 'end of the last unit') : undefined;
}

function hintsOf({ hidden }: JobFacts, unit: EvidenceUnit, at: string): WrongElement | undefined {
  const bytes = fromBase64(unit.hints);
  const found = differs(`${at}.hint_bytes`, bytes.length, unit.hint_bytes, 'bytes of the hints') ?? differs(`${at}.hints`, unit.hint_sha256, toHex(sha256(bytes)), 'hash of the hints against the committed one');
  if (found !== undefined) return found;
  try {
    decodeHints(bytes, (unit.to - unit.from) * hidden);
  } catch (error) {
    return wrong(`${at}.hints`, 'one exact coding of flags', error instanceof Error ? error.message : error, 'form of the hints');
  }
  return undefined;
}

/** The leaves are those of the units, the root is that of the leaves, and the worker's identity signed it (SPEC U3, T2, K2, K4). */
export function checkRoot(facts: JobFacts, stage: EvidenceStage, index: number): Check {
  const name = `stage ${index} root`;
  const { plan, planHash } = facts;
  const at = `stages[${index}]`;
  const { root, identity_public_key: identity } = stage;
  const own = identity === null ? undefined : differs(`${at}.identity_public_key`, stage.worker, nodeIdOf(identity), 'the node id is the hash of the identity key');
  if (isLost(facts, index) && own === undefined) return notChecked(name, 'the worker left without a root: nothing binds it to its cells, and its work is unpaid');
  if (root === null) return checkOf(name, own ?? wrong(`${at}.root`, 'a signed root', 'none', 'the worker posted no root that holds, so nothing binds it to its cells'), '');
  if (identity === null) return checkOf(name, wrong(`${at}.identity_public_key`, `the key of ${stage.worker}`, 'none', 'the key that signed the root'), '');
  const leaves: string[] = [];
  let element = own;
  const context = { network: plan.network, worker: stage.worker, job: plan.job, planHash, stage: index, modelId: plan.modelId, precision: plan.precision };
  for (const [unit, each] of stage.units.entries()) {
    const hashes = { unit: facts.firstUnit + unit, from: each.from, to: each.to, inputHash: each.input_sha256, payloadHash: each.payload_sha256, canonHash: each.canonical_sha256, hintHash: each.hint_sha256, linkHash: each.link_sha256 };
    const leaf = leafHash(context, hashes, each.salt ?? '');
    leaves.push(leaf);
    element ??= differs(`${at}.units[${unit}].leaf_sha256`, leaf, each.leaf_sha256 ?? 'none', 'leaf of the unit\'s hashes and its salt');
  }
  element ??= differs(`${at}.root.root`, merkleRoot(leaves), root.root, 'root over the leaves of the units');
  if (element === undefined && !verifyJobRoot({ network: plan.network, job: plan.job, planHash, stage: index, root: root.root }, root.signature, identity)) {
    element = wrong(`${at}.root.signature`, `a signature of the root by ${stage.worker}`, root.signature, 'signature of the root');
  }
  return checkOf(name, element, `root ${root.root.slice(0, 14)}… over ${leaves.length} leaves, signed by node ${stage.worker.slice(0, 12)}…`);
}
