/** The attacks of `npm run bench -- verification`: each on the first, middle and last stage, judged by core's own verdict. */
import { loadModel, MODEL_KEYS } from '../models.ts';
import { PROMPT_SEED, promptsOf } from '../prompts.ts';
import { SEEDED_MODEL_SEED } from '../models-seeded.ts';
import { referenceOf } from '../stages-reference.ts';
import { auditedStage, UNITS_OF_PROMPT } from './audited-stage.ts';
import { auditorAttackRows } from './auditor-attacks.ts';
import { deskAttackRows } from './desk-attacks.ts';
import { ATTACK_SEED } from './compute-attacks.ts';
import { computeInLanes } from './attack-lanes.ts';
import { promptAttackRows } from './compute-rows.ts';
import { idAttackRows } from './id-attacks.ts';
import { partialAttackRows } from './partial-attacks.ts';
import { rowAttackRows } from './row-attacks.ts';
import { UNRELATED, unrelatedRows } from './unrelated-rows.ts';
import type { ModelKey } from '../models.ts';
import type { Part, PartContext, PartReport } from '../part.ts';
import type { Reference } from '../stages-reference.ts';
import type { AttackRow } from './tally.ts';

/** Units of 16 rows for each attack on each stage. The second model shows that nothing hangs on the first. */
const UNITS: Readonly<Record<ModelKey, number>> = { smollm2: 300, seeded: 60 };
/** Unrelated rows over all stages. */
const UNRELATED_TRIALS: Readonly<Record<ModelKey, number>> = { smollm2: 100_002, seeded: 9_999 };
/** A twentieth still needs a job of four units on every stage. */
const LEAST_UNITS = 4;

export interface AttackOptions {
  readonly models?: readonly ModelKey[];
  /** Leaves out what needs the engine to run again; a test does. */
  readonly rowsOnly?: boolean;
}

export const attacksPart: Part = {
  name: 'attacks',
  bars: ['attack_units', 'attack_least_rate', 'unrelated_trials', 'unrelated_accepted'],
  run: (context) => runAttacks(context),
};

/** Runs every attack on every model. */
export async function runAttacks(context: PartContext, { models = MODEL_KEYS, rowsOnly = false }: AttackOptions = {}): Promise<PartReport> {
  const { share, signal, say } = context;
  const rows: AttackRow[] = [];
  for (const key of models) {
    const model = await loadModel(key, signal);
    const reference = await referenceOf(model, await promptsOf(model, share), say);
    rows.push(...(await attacksOn(model.stages.map((stage) => auditedStage(model, stage, reference)), reference, context, Math.max(LEAST_UNITS, Math.ceil(UNITS[key] / share)), rowsOnly)));
  }
  if (!rowsOnly) rows.push(...(await deskAttackRows(Math.ceil(UNITS.smollm2 / share), { signal, say })));
  const whole = share === 1 && models.length === MODEL_KEYS.length && !rowsOnly;
  const judged = rows.filter(({ in_bar: inBar }) => inBar);
  const unrelated = rows.filter(({ attack }) => attack === UNRELATED);
  const sum = (of: (row: AttackRow) => number, among: readonly AttackRow[]): number => among.reduce((total, row) => total + of(row), 0);
  const counted = (value: () => number): PartReport['values'][string] => (whole ? value() : { notMeasured: `a part of the attacks only (share 1/${share}, ${models.join(', ')})` });
  return {
    seeds: [PROMPT_SEED, SEEDED_MODEL_SEED, ATTACK_SEED],
    rows,
    values: {
      attack_units: counted(() => Math.min(...judged.filter(({ model }) => model === 'smollm2').map(({ audited }) => audited))),
      attack_least_rate: Math.min(...judged.map(({ rate }) => rate)),
      unrelated_trials: counted(() => sum(({ audited }) => audited, unrelated)),
      unrelated_accepted: sum(({ audited, caught }) => audited - caught, unrelated),
    },
  };
}

async function attacksOn(stages: readonly ReturnType<typeof auditedStage>[], reference: Reference, { signal, say, share }: PartContext, units: number, rowsOnly: boolean): Promise<AttackRow[]> {
  const prompts = reference.prompts.ids.length;
  // A share of the prompts may hold fewer units than asked for; KV caches show from the second unit on.
  const possible = Math.min(units, prompts * (UNITS_OF_PROMPT - 1));
  const rows: AttackRow[] = [];
  for (const at of stages) {
    signal.throwIfAborted();
    rows.push(...rowAttackRows(at, possible, prompts), unrelatedRows(at, reference, Math.ceil(UNRELATED_TRIALS[at.model.key] / stages.length / share)));
    rows.push(...(await auditorAttackRows(at, possible, prompts, signal)));
    say(`${at.model.key}: attacks on rows, commitments and audits of the ${at.stage.name} stage`);
  }
  const [first] = stages;
  if (rowsOnly || first === undefined) return rows;
  rows.push(...(await computeInLanes({ model: first.model.key, share, units: possible }, { signal, say })), ...(await promptAttackRows(stages, reference, possible, { signal, say })));
  for (const at of stages) rows.push(...(await partialAttackRows(at, reference, possible, signal)));
  for (const at of stages.filter(({ stage }) => stage.last)) rows.push(...(await idAttackRows(at, reference, possible, { signal, say })));
  return rows;
}
