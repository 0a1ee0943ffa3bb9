/** Spreads the attacks that need the engine over the machine's cores: what they count is the same in any order and process. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ModelKey } from '../models.ts';
import type { Running } from './compute-rows.ts';
import type { AttackRow } from './tally.ts';

/** A process holds a stage's weights twice while it cheats on them: 1 GB at most. */
const MAX_LANES = 4;

/** What a process is told: every `of`-th attack from number `lane` on, on all stages of a model. */
export interface LaneTask {
  readonly model: ModelKey;
  readonly share: number;
  readonly units: number;
  readonly lane: number;
  readonly of: number;
}

export type LaneWord = { readonly kind: 'said'; readonly line: string } | { readonly kind: 'rows'; readonly rows: readonly AttackRow[] } | { readonly kind: 'failed'; readonly message: string };

const ENTRY = join(import.meta.dirname, 'attack-process.ts');

/** Rows of all attacks on how a stage is computed, as `computeAttackRows` gives them, but for their order. */
export async function computeInLanes(task: Omit<LaneTask, 'lane' | 'of'>, running: Running): Promise<AttackRow[]> {
  const of = Math.min(MAX_LANES, availableParallelism());
  const rows = await Promise.all(Array.from({ length: of }, (_, lane) => runLane({ ...task, lane, of }, running)));
  return rows.flat();
}

function runLane(task: LaneTask, { signal, say }: Running): Promise<readonly AttackRow[]> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = fork(ENTRY, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], signal });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2_000)));
    child.on('message', (word: LaneWord) => {
      if (word.kind === 'said') say(word.line);
      else if (word.kind === 'rows') resolve(word.rows);
      else reject(new Error(`a process of attacks failed: ${word.message}`));
    });
    child.once('error', reject);
    // After its rows this comes too late to count.
    child.once('exit', (code, by) => reject(new Error(`a process of attacks ended with ${by ?? code} before it had rows: ${words.trim()}`)));
    child.send(task);
  });
}
