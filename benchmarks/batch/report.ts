import { figureRow, median } from '../figures/figure.ts';
import type { BenchReport } from '../result.ts';
import type { Together } from './ask-together.ts';

/** One way of asking: how many at a time, of tabs that compute them together or each alone. */
export interface Way {
  readonly name: string;
  readonly count: number;
  readonly batches: boolean;
}

export const WAYS: readonly Way[] = [
  { name: '1 request', count: 1, batches: true },
  { name: '2 at once', count: 2, batches: true },
  { name: '4 at once', count: 4, batches: true },
  { name: '4 at once, each row alone', count: 4, batches: false },
];

/** What each way gave, a value a round. */
export type Rounds = ReadonlyMap<string, readonly Together[]>;

/** Ratios are of the two values of one round: what else the machine does is then in both. */
export function ratios(rounds: Rounds, name: string, to: string): number[] {
  const base = rounds.get(to) ?? [];
  return (rounds.get(name) ?? []).map(({ tokensPerSecond }, round) => tokensPerSecond / (base[round]?.tokensPerSecond ?? Number.NaN));
}

/** Share of the generated positions of all tabs that were computed in runs of several jobs. */
export function batchedShare({ generated }: Together): number {
  const sum = (of: 'positions' | 'batched'): number => generated.reduce((total, tab) => total + tab[of], 0);
  return sum('batched') / sum('positions');
}

export function rowsOf(rounds: Rounds): BenchReport['rows'] {
  const each = (figure: string, unit: string, values: (together: Together) => number) => WAYS.map(({ name }) => figureRow(figure, name, unit, (rounds.get(name) ?? []).map(values)));
  return [
    ...each('tokens/s of all answers', '1/s', ({ tokensPerSecond }) => tokensPerSecond),
    ...each('tokens/s of one answer, the median of four', '1/s', ({ ofEach }) => median(ofEach)),
    ...each('first token, the slowest of four', 'ms', ({ firstTokenMs }) => Math.max(...firstTokenMs)),
    ...each('share of generated rows in runs of several jobs', 'of rows', batchedShare),
    ...WAYS.slice(1).map(({ name }) => figureRow('all answers against 1 request, same round', name, 'x', ratios(rounds, name, '1 request'))),
    figureRow('all answers against each row alone, same round', '4 at once', 'x', ratios(rounds, '4 at once', '4 at once, each row alone')),
  ];
}

export const valuesOf = (rounds: Rounds): BenchReport['values'] => ({ tokens_ratio: median(ratios(rounds, '4 at once', '1 request')) });
