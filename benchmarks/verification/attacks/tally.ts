import { leastRate } from './caught-rate.ts';

/** One line of the table of attacks. `early_grid`: share that the grid of 1/64 with SHA-256 tells apart; empty where it has no say. */
export type AttackRow = {
  readonly part: 'attack';
  readonly model: string;
  readonly attack: string;
  readonly stage: string;
  readonly audited: number;
  readonly caught: number;
  readonly rate: number;
  /** Lower bound of the rate at 95 %. */
  readonly at_least: number;
  /** Finding codes in the order of their number. */
  readonly found_by: string;
  readonly early_grid: number | '';
  /** False: listed as not caught, with the reason in `note`; or more than was asked for. */
  readonly in_bar: boolean;
  readonly note: string;
};

/** Counts one attack on one stage. */
export class Tally {
  #audited = 0;
  #grid = 0;
  #gridAsked = 0;
  readonly #codes = new Map<string, number>();

  /** `code`: what the verdict names first, null when it passes; `grid`: what the early grid says, if it was asked. */
  add(code: string | null, grid?: boolean): void {
    this.#audited++;
    if (code !== null) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    if (grid !== undefined) this.#gridAsked++;
    if (grid === true) this.#grid++;
  }

  get audited(): number {
    return this.#audited;
  }

  row(model: string, attack: string, stage: string, { note = '', inBar = true }: { readonly note?: string; readonly inBar?: boolean } = {}): AttackRow {
    const codes = [...this.#codes].sort(([, a], [, b]) => b - a);
    const caught = codes.reduce((sum, [, count]) => sum + count, 0);
    return {
      part: 'attack',
      model,
      attack,
      stage,
      audited: this.#audited,
      caught,
      rate: this.#audited === 0 ? 0 : caught / this.#audited,
      at_least: leastRate(caught, this.#audited),
      found_by: codes.map(([code, count]) => (codes.length === 1 ? code : `${code} ${count}`)).join(', '),
      early_grid: this.#gridAsked === 0 ? '' : this.#grid / this.#gridAsked,
      in_bar: inBar,
      note,
    };
  }
}
