import { changedToken, droppedToken, injectedPrompt } from '../../../tests/support/cheats/changed-prompt.ts';
import { openStage } from '../stages.ts';
import { placesOf, unitOf } from './audited-stage.ts';
import { ATTACK_SEED, COMPUTE_ATTACKS, withoutHead } from './compute-attacks.ts';
import { Tally } from './tally.ts';
import type { ComputeAttack } from './compute-attacks.ts';
import type { PromptCheat } from '../../../tests/support/cheats/changed-prompt.ts';
import type { BenchModel } from '../models.ts';
import type { OpenStage } from '../stages.ts';
import type { Reference } from '../stages-reference.ts';
import type { AuditedStage } from './audited-stage.ts';
import type { AttackRow } from './tally.ts';

/** What is told while it runs. */
export interface Running {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Ways to compute a stage otherwise, on every stage that is given; honest inputs, `units` units each. */
export async function computeAttackRows(stages: readonly AuditedStage[], reference: Reference, units: number, running: Running, attacks: readonly ComputeAttack[] = COMPUTE_ATTACKS): Promise<AttackRow[]> {
  const rows: AttackRow[] = [];
  for (const attack of attacks) {
    for (const at of stages) {
      const started = performance.now();
      await using open = await attack.open(at.model, at.stage);
      rows.push(await tallied(at, attack.name, units, attack.firstUnit ?? 0, reference.prompts.ids.length, running.signal, (prompt) => open.run(reference.input(at.stage.index, prompt))));
      running.say(line(rows.at(-1), started));
    }
  }
  return rows;
}

/** Where a changed token lies: early in the text, past what a chat template puts in front of every prompt. */
const CHANGED_POSITION = 5;
/** Ids of a hidden prompt that is put in front: one chunk, so that nothing else about the run changes. */
const INJECTED_IDS = 16;

/** Other prompts than the plan's: each stage computes the rows that follow from one, and claims the inputs it was given. */
export async function promptAttackRows(stages: readonly AuditedStage[], reference: Reference, units: number, running: Running): Promise<AttackRow[]> {
  const [model] = stages.map((at) => at.model);
  if (model === undefined) return [];
  const { vocabulary } = model.manifest.architecture;
  const prompts = reference.prompts.ids;
  const cheats: (readonly [string, PromptCheat, note: string])[] = [
    ['one prompt token changed', changedToken(CHANGED_POSITION, ATTACK_SEED, vocabulary), ''],
    ['one prompt token dropped', droppedToken(CHANGED_POSITION), ''],
    ['a hidden prompt injected', injectedPrompt(prompts.at(-1)?.slice(0, INJECTED_IDS) ?? new Uint32Array()), `${INJECTED_IDS} ids in front`],
  ];
  const rows: AttackRow[] = [];
  for (const [name, cheat, note] of cheats) {
    const count = Math.ceil(units / (64 / 16));
    let inputs: (Uint32Array | Float32Array)[] = prompts.slice(0, count).map((ids) => cheat(ids).ids);
    const hidden = cheat(prompts[0] ?? new Uint32Array()).hidden;
    for (const at of stages) {
      const started = performance.now();
      await using open = await honest(model, at);
      const outputs: Float32Array[] = [];
      for (const input of inputs) {
        running.signal.throwIfAborted();
        outputs.push(await open.run(input));
      }
      rows.push(await tallied(at, name, units, 0, count, running.signal, async (prompt) => (outputs[prompt] ?? new Float32Array()).subarray(hidden * at.channels), note));
      inputs = outputs;
      running.say(line(rows.at(-1), started));
    }
  }
  return rows;
}

const honest = (model: BenchModel, { stage }: AuditedStage): Promise<OpenStage> => openStage(model, stage.shape, { create: withoutHead() });

async function tallied(at: AuditedStage, name: string, units: number, firstUnit: number, prompts: number, signal: AbortSignal, cheat: (prompt: number) => Promise<Float32Array>, note = ''): Promise<AttackRow> {
  const tally = new Tally();
  let computed: { readonly prompt: number; readonly rows: Float32Array } | undefined;
  for (const place of placesOf(units, prompts, firstUnit)) {
    signal.throwIfAborted();
    if (computed?.prompt !== place.prompt) computed = { prompt: place.prompt, rows: await cheat(place.prompt) };
    const { code, grid } = at.judgeRows(place, unitOf(computed.rows, place.unit, at.channels).slice());
    tally.add(code, grid);
  }
  return tally.row(at.model.key, name, at.stage.name, { note });
}

const line = (row: AttackRow | undefined, started: number): string => `${row?.model} ${row?.stage}: ${row?.attack}: ${row?.caught} of ${row?.audited}, ${((performance.now() - started) / 1000).toFixed(0)} s`;
