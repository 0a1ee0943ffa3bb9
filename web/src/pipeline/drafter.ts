import { Acceptance } from '@ciro/core/speculation/acceptance.ts';
import { draftCount } from '@ciro/core/speculation/draft-count.ts';
import { lookUp } from '@ciro/core/speculation/prompt-look-up.ts';

/** Of a run's time so much is added by each further row, before any was timed: eight rows take 2.3 to 2.9 times as long as one (WASM, ten layers of the default model, decision 0010). */
const ROW_SHARE = 0.25;
/** Weight of the newest lap or run in the running means: a lap over shared processors says little alone. */
const SMOOTHING = 0.3;

/** Of a lap with drafts at least so much is the lap's own: what drafts add is measured on one stage and may be less on the others. */
const LEAST_LAP_SHARE = 1 / 2;

/** What one lap's drafts were, until its ids are there. */
interface Lap {
  readonly begunAt: number;
  readonly match: number;
  readonly drafts: number;
}

export interface DrafterOptions {
  /** Drafts of one lap at most. */
  readonly most: number;
  /** Layers of the model over those of this stage: what its own rows cost, all stages' rows cost so many times. */
  readonly stagesShare: number;
  /** Ids after which the answer ends: nothing is drafted behind one, nor itself. */
  readonly stopIds: readonly number[];
}

/** On the first stage of one job: which ids it drafts for the next lap, from what laps, rows and drafts have brought so far. */
export class Drafter {
  readonly #options: DrafterOptions;
  readonly #acceptance = new Acceptance();
  /** Milliseconds of a lap without its drafts, of a run of one row, and of each further row; undefined before one was timed. */
  #lapMs: number | undefined;
  #runMs: number | undefined;
  #rowMs: number | undefined;
  #lap: Lap | undefined;

  constructor(options: DrafterOptions) {
    this.#options = options;
  }

  /** A lap begins: `ids` are all that are known, `room` the drafts that its positions allow; without `alone` other jobs want the stage, and batches are theirs. */
  begin(ids: Uint32Array, room: number, alone: boolean, now: number): Uint32Array {
    const found = lookUp(ids, alone ? Math.min(room, this.#options.most) : 0);
    const stop = found.ids.findIndex((id) => this.#options.stopIds.includes(id));
    const most = stop < 0 ? found.ids.length : stop;
    const count = draftCount({ lapMs: this.#lapMs, rowMs: this.#addedMs(), acceptance: this.#acceptance.of(found.match), most });
    this.#lap = { begunAt: now, match: found.match, drafts: count };
    return found.ids.subarray(0, count);
  }

  /** The lap is over, with `accepted` of its drafts. */
  over(accepted: number, now: number): void {
    const lap = this.#lap;
    this.#lap = undefined;
    if (lap === undefined) return;
    if (lap.drafts > 0) this.#acceptance.note(lap.match, lap.drafts, accepted);
    const tookMs = now - lap.begunAt;
    this.#lapMs = mean(this.#lapMs, Math.max(LEAST_LAP_SHARE * tookMs, tookMs - lap.drafts * this.#addedMs()));
  }

  /** This stage computed a lap's rows. */
  ran(rows: number, computeMs: number): void {
    if (rows === 1) this.#runMs = mean(this.#runMs, computeMs);
    else if (this.#runMs !== undefined) this.#rowMs = mean(this.#rowMs ?? ROW_SHARE * this.#runMs, Math.max(0, (computeMs - this.#runMs) / (rows - 1)));
  }

  /** Milliseconds that a draft adds to a lap, over all stages. */
  #addedMs(): number {
    return this.#options.stagesShare * (this.#rowMs ?? ROW_SHARE * (this.#runMs ?? 0));
  }
}

const mean = (before: number | undefined, value: number): number => (before === undefined ? value : before + SMOOTHING * (value - before));
