import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { canonicalJson } from '../canonical-json.ts';
import { planBytes, planHashOf, reusedPositions } from '../job/plan.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '../receipt/receipt.ts';
import { idsHash } from './job-facts.ts';
import { checkOf, differs, wrong } from './report.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { JobPlan, PlanPrefix } from '../job/plan.ts';
import type { EvidencePrefix } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** Units of one earlier plan that stand for positions `[from, to)`. */
interface Part {
  readonly part: EvidencePrefix;
  readonly named: PlanPrefix;
  /** The plan that names it. */
  readonly by: JobPlan;
  readonly at: string;
  readonly from: number;
  readonly to: number;
}

/**
 * What was not computed again was computed before, by the same stages, for the same ids, and every stage signed and acknowledged what it was given
 * there (SPEC V2, V6). Nothing is said where the plan names no prefix.
 */
export async function checkPrefix(facts: JobFacts, verify: VerifySignature): Promise<readonly Check[]> {
  const { evidence, plan } = facts;
  if (plan.prefix === undefined && evidence.prefix === undefined) return [];
  const parts = partsOf(plan, evidence.prefix ?? []);
  let element = 'wrong' in parts ? parts.wrong : rebuiltOf(plan, evidence.prefix ?? []);
  for (const part of 'wrong' in parts ? [] : parts.parts) element ??= (await planOf(facts, part, verify)) ?? (await unitsOf(facts, part, verify));
  const jobs = evidence.prefix?.length ?? 0;
  return [checkOf('prefix', element, `positions 0 to ${facts.reused - 1} are of ${jobs === 1 ? `job ${plan.prefix?.job}` : `${jobs} earlier jobs`}, signed and acknowledged by the same stages${plan.prefix?.rebuilds === undefined ? '' : `, but for stage ${plan.prefix.rebuilds}, which was rebuilt`}`)];
}

/** Each part reaches down to where its own plan begins; together they reach position 0. */
function partsOf(plan: JobPlan, prefix: readonly EvidencePrefix[]): { readonly parts: readonly Part[] } | { readonly wrong: WrongElement } {
  const parts: Part[] = [];
  let by = plan;
  let to = reusedPositions(plan);
  for (const [index, part] of prefix.entries()) {
    const at = `prefix[${index}]`;
    const named = by.prefix;
    if (named === undefined || to === 0) return { wrong: wrong(at, 'nothing', `job ${part.plan.plan.job}`, 'the plan above names no prefix') };
    const from = Math.min(to, reusedPositions(part.plan.plan));
    parts.push({ part, named, by, at, from, to });
    by = part.plan.plan;
    to = from;
  }
  return to === 0 ? { parts } : { wrong: wrong(`prefix[${prefix.length}]`, `units of positions 0 to ${to - 1}`, 'nothing', 'the prefix that the plan names') };
}

/** No stage is rebuilt from rows of one that was rebuilt before it: those are nobody's receipt (SPEC V9). */
function rebuiltOf(plan: JobPlan, prefix: readonly EvidencePrefix[]): WrongElement | undefined {
  const rebuilt = new Set<number>();
  const plans = [plan, ...prefix.map(({ plan: { plan: earlier } }) => earlier)];
  for (const [index, { prefix: named }] of [...plans.entries()].toReversed()) {
    if (named?.rebuilds === undefined) continue;
    if (rebuilt.has(named.rebuilds - 1)) return wrong(index === 0 ? 'plan.signed.plan.prefix.rebuilds' : `prefix[${index - 1}].plan.plan.prefix.rebuilds`, `no stage after ${named.rebuilds - 1}, which was rebuilt`, String(named.rebuilds), 'the stage that is given rows that its receipts do not bind');
    rebuilt.add(named.rebuilds);
  }
  return undefined;
}

/** The plan is the one that is named, signed by the same coordinator, over the same model and stages, but for the worker of the stage that is rebuilt. */
async function planOf({ evidence, plan }: JobFacts, { part, named, by, at }: Part, verify: VerifySignature): Promise<WrongElement | undefined> {
  const { plan: earlier, signature } = part.plan;
  const stagesOf = (each: JobPlan): string => canonicalJson(each.stages.map(({ worker, devicePublicKey, layers }, stage) => (stage === named.rebuilds ? { layers } : { worker, devicePublicKey, layers })));
  const element =
    differs(`${at}.plan.plan.job`, named.job, earlier.job, 'the job that is named as prefix') ??
    differs(`${at}.plan.plan`, named.planHash, planHashOf(earlier), 'hash of the plan that is named as prefix') ??
    differs(`${at}.plan.plan.network`, plan.network, earlier.network, 'network of the plan') ??
    differs(`${at}.plan.plan.modelId`, plan.modelId, earlier.modelId, 'model of the plan') ??
    differs(`${at}.plan.plan.stages`, stagesOf(by), stagesOf(earlier), 'workers, keys and layers of the plan');
  if (element !== undefined) return element;
  if (await verify(evidence.plan.coordinator_public_key, planBytes(earlier), signature)) return undefined;
  return wrong(`${at}.plan.signature`, 'a signature of the plan by the coordinator', signature, 'signature of the plan');
}

async function unitsOf(facts: JobFacts, { part, at, from, to }: Part, verify: VerifySignature): Promise<WrongElement | undefined> {
  const { evidence } = facts;
  const plan = part.plan.plan;
  const planHash = planHashOf(plan);
  const count = differs(`${at}.stages`, plan.stages.length, part.stages.length, 'one list of units a stage');
  if (count !== undefined) return count;
  for (const [stage, units] of part.stages.entries()) {
    const planned = plan.stages[stage];
    const next = plan.stages[(stage + 1) % plan.stages.length];
    const short = differs(`${at}.stages[${stage}]`, (to - from) / UNIT_POSITIONS, units.length, `units of positions ${from} to ${to - 1}`);
    if (short !== undefined || planned === undefined || next === undefined) return short;
    const alone = plan.stages.length === 1;
    for (const [index, { receipt, acknowledgement }] of units.entries()) {
      const { body } = receipt;
      const path = `${at}.stages[${stage}][${index}]`;
      const first = from + index * UNIT_POSITIONS;
      const told = { network: plan.network, job: plan.job, planHash, stage, worker: planned.worker, unit: first / UNIT_POSITIONS, from: first, to: first + UNIT_POSITIONS } as const;
      for (const field of ['network', 'job', 'planHash', 'stage', 'worker', 'unit', 'from', 'to'] as const) {
        const element = differs(`${path}.receipt.body.${field}`, told[field], body[field], 'what plan and place say');
        if (element !== undefined) return element;
      }
      const before = stage === 0 ? undefined : part.stages[stage - 1]?.[index]?.receipt.body;
      const given = stage === 0 ? idsHash(evidence.prompt_ids.slice(first, first + UNIT_POSITIONS)) : (before?.linkHash ?? 'none');
      const element =
        differs(`${path}.receipt.body.inputHash`, given, body.inputHash, stage === 0 ? `hash of the prompt ids at positions ${first} to ${first + UNIT_POSITIONS - 1}` : `what stage ${stage - 1} passed on`) ??
        differs(`${path}.acknowledgement.receiptHash`, receiptHash(body), acknowledgement.receiptHash, 'hash of the receipt that is acknowledged') ??
        differs(`${path}.acknowledgement.signer`, alone ? 'coordinator' : next.worker, acknowledgement.signer, 'the party that was given the unit');
      if (element !== undefined) return element;
      if (!(await verify(planned.devicePublicKey, receiptBytes(body), receipt.signature))) return wrong(`${path}.receipt.signature`, `a signature by the device key of stage ${stage}`, receipt.signature, 'signature of the receipt');
      const key = alone ? evidence.plan.coordinator_public_key : next.devicePublicKey;
      const word = acknowledgementBytes(acknowledgement.receiptHash, acknowledgement.signer);
      if (!(await verify(key, word, acknowledgement.signature))) return wrong(`${path}.acknowledgement.signature`, `a signature by ${acknowledgement.signer}`, acknowledgement.signature, 'signature of the acknowledgement');
    }
  }
  return undefined;
}
