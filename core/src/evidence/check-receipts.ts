import { acknowledgementBytes, receiptBytes, receiptHash } from '../receipt/receipt.ts';
import { checkOf, differs, notChecked, wrong } from './report.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { EvidenceReceipt, EvidenceStage, EvidenceUnit } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

type OwnReceipt = Extract<EvidenceReceipt, { kind: 'receipt' }>;
type Word = Extract<EvidenceReceipt, { kind: 'acknowledgement' }>;

/** Each unit's receipt, and the neighbour's word on it if it gave one. */
interface Signed {
  readonly own: OwnReceipt;
  readonly ownAt: string;
  readonly word: Word | undefined;
  readonly wordAt: string;
}

/** Every unit has a receipt that says what the unit says, signed by the stage's device key (SPEC R1). */
export async function checkReceipts(facts: JobFacts, stage: EvidenceStage, index: number, verify: VerifySignature): Promise<Check> {
  const name = `stage ${index} receipts`;
  const signed = pairsOf(stage, index);
  if ('wrong' in signed) return checkOf(name, signed.wrong, '');
  for (const [number, { own, ownAt }] of signed.pairs.entries()) {
    const unit = stage.units[number];
    if (unit === undefined) break;
    const { body, signature } = own.receipt;
    const element = bodyOf(facts, stage, index, facts.firstUnit + number, own, ownAt);
    if (element !== undefined) return checkOf(name, element, '');
    const holds = await verify(stage.device_public_key, receiptBytes(body), signature);
    const other = unitOf(unit, own, `stages[${index}].units[${number}]`, holds ? undefined : `${ownAt}.receipt.body`);
    if (other !== undefined) return checkOf(name, other, '');
    if (!holds) return checkOf(name, wrong(`${ownAt}.receipt.signature`, `a signature of the receipt by the device key of stage ${index}`, signature, 'signature of the receipt'), '');
    if (!own.valid) return checkOf(name, wrong(`${ownAt}.valid`, 'true', 'false', 'the receipt holds'), '');
  }
  return checkOf(name, undefined, `${signed.pairs.length} receipts signed by the stage's device key`);
}

/** The neighbour that was given a unit says so, and exactly what it says so of is paid (SPEC R2, M3). */
export async function checkAcknowledgements(facts: JobFacts, stage: EvidenceStage, index: number, verify: VerifySignature): Promise<Check> {
  const name = `stage ${index} acknowledgements`;
  const signed = pairsOf(stage, index);
  if ('wrong' in signed) return checkOf(name, signed.wrong, '');
  const { evidence, positions } = facts;
  const next = evidence.stages[(index + 1) % evidence.stages.length];
  const alone = evidence.stages.length === 1;
  const key = alone ? evidence.plan.coordinator_public_key : (next?.device_public_key ?? '');
  const silent: number[] = [];
  let paid = 0;
  for (const [number, { own, word, wordAt }] of signed.pairs.entries()) {
    const { from, to } = own.receipt.body;
    if (word === undefined) {
      silent.push(facts.firstUnit + number);
      continue;
    }
    const { acknowledgement } = word;
    const element =
      differs(`${wordAt}.unit`, facts.firstUnit + number, word.unit, 'number of the unit') ??
      differs(`${wordAt}.acknowledgement.receiptHash`, receiptHash(own.receipt.body), acknowledgement.receiptHash, 'hash of the receipt that is acknowledged') ??
      differs(`${wordAt}.acknowledgement.signer`, alone ? 'coordinator' : (next?.worker ?? ''), acknowledgement.signer, 'the party that was given the unit') ??
      differs(`${wordAt}.signer`, acknowledgement.signer, word.signer, 'signer of the acknowledgement');
    if (element !== undefined) return checkOf(name, element, '');
    if (!(await verify(key, acknowledgementBytes(acknowledgement.receiptHash, acknowledgement.signer), acknowledgement.signature))) {
      return checkOf(name, wrong(`${wordAt}.acknowledgement.signature`, `a signature by ${acknowledgement.signer}`, acknowledgement.signature, 'signature of the acknowledgement'), '');
    }
    if (!word.valid) return checkOf(name, wrong(`${wordAt}.valid`, 'true', 'false', 'the acknowledgement holds'), '');
    paid += Math.max(0, Math.min(to, positions) - from);
  }
  const element = differs(`stages[${index}].paid_positions`, paid, stage.paid_positions, 'positions in units that are signed and acknowledged');
  if (element === undefined && silent.length > 0) return notChecked(name, `the neighbour did not acknowledge units ${silent.join(', ')}; they are not paid`);
  return checkOf(name, element, `${paid} positions acknowledged by ${alone ? 'the coordinator' : `stage ${(index + 1) % evidence.stages.length}`}, and paid`);
}

/** Receipts in the order of the units, each followed by its acknowledgement; anything else is not what a record gives. */
function pairsOf(stage: EvidenceStage, index: number): { readonly pairs: readonly Signed[] } | { readonly wrong: WrongElement } {
  const pairs: Signed[] = [];
  let at = 0;
  for (const number of stage.units.keys()) {
    const path = (position: number): string => `stages[${index}].receipts[${position}]`;
    const own = stage.receipts[at];
    if (own?.kind !== 'receipt') return { wrong: wrong(path(at), `the receipt of unit ${number}`, own?.kind ?? 'nothing', 'a receipt for every unit') };
    const word = stage.receipts[at + 1];
    const has = word?.kind === 'acknowledgement';
    pairs.push({ own, ownAt: path(at), word: has ? word : undefined, wordAt: path(at + 1) });
    at += has ? 2 : 1;
  }
  if (at < stage.receipts.length) return { wrong: wrong(`stages[${index}].receipts[${at}]`, 'nothing', `a receipt of unit ${stage.receipts[at]?.unit}`, 'one receipt a unit') };
  return { pairs };
}

/** Whose receipt it is, and of what. */
function bodyOf({ plan, planHash }: JobFacts, stage: EvidenceStage, index: number, number: number, own: OwnReceipt, at: string): WrongElement | undefined {
  const { body } = own.receipt;
  const told = { network: plan.network, job: plan.job, planHash, stage: index, worker: stage.worker, unit: number } as const;
  const same = differs(`${at}.unit`, number, own.unit, 'number of the unit') ?? differs(`${at}.signer`, stage.worker, own.signer, 'worker of the stage');
  if (same !== undefined) return same;
  for (const field of ['network', 'job', 'planHash', 'stage', 'worker', 'unit'] as const) {
    const element = differs(`${at}.receipt.body.${field}`, told[field], body[field], 'what plan and place say');
    if (element !== undefined) return element;
  }
  return undefined;
}

const UNIT_FIELDS = [['from', 'from'], ['to', 'to'], ['input_sha256', 'inputHash'], ['payload_sha256', 'payloadHash'], ['link_sha256', 'linkHash']] as const;

/** The unit says what its receipt says. Of two that differ, the one that nobody signed is wrong: `bodyAt` is given for an unsigned receipt. */
function unitOf(unit: EvidenceUnit, { receipt: { body } }: OwnReceipt, at: string, bodyAt: string | undefined): WrongElement | undefined {
  for (const [field, signed] of UNIT_FIELDS) {
    const element = bodyAt === undefined ? differs(`${at}.${field}`, body[signed], unit[field], 'the signed receipt of the unit') : differs(`${bodyAt}.${signed}`, unit[field], body[signed], 'the unit of the receipt, which is not signed');
    if (element !== undefined) return element;
  }
  return undefined;
}
