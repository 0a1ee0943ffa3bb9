/** Entry of a process of attacks: `node attack-process.ts`, told by `computeInLanes` which, and answering over IPC. */
import { loadModel } from '../models.ts';
import { promptsOf } from '../prompts.ts';
import { referenceOf } from '../stages-reference.ts';
import { auditedStage } from './audited-stage.ts';
import { COMPUTE_ATTACKS } from './compute-attacks.ts';
import { computeAttackRows } from './compute-rows.ts';
import type { LaneTask, LaneWord } from './attack-lanes.ts';

const tell = (word: LaneWord): void => void process.send?.(word);

async function answer({ model: key, share, units, lane, of }: LaneTask): Promise<LaneWord> {
  const model = await loadModel(key);
  const reference = await referenceOf(model, await promptsOf(model, share));
  const stages = model.stages.map((stage) => auditedStage(model, stage, reference));
  const attacks = COMPUTE_ATTACKS.filter((_, number) => number % of === lane);
  const rows = await computeAttackRows(stages, reference, units, { signal: new AbortController().signal, say: (line) => tell({ kind: 'said', line }) }, attacks);
  return { kind: 'rows', rows };
}

// The parent that ended or gave up closes the channel; without it nobody waits for the rows.
process.once('disconnect', () => process.exit(1));
process.once('message', (task: LaneTask) => {
  answer(task)
    .catch((error: unknown): LaneWord => ({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
    .then((word) => process.send?.(word, () => process.exit(0)));
});
