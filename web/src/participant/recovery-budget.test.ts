import { expect, it } from 'vitest';
import { MAX_RECOVERIES, RECOVERY_WINDOW_MS, RecoveryBudget } from './recovery-budget.ts';

it('G4: some losses within the window are started again after; the next one is followed by the other engine, or by none', () => {
  for (const [engine, last] of [['webgpu', 'on-wasm'], ['wasm', 'not-any-more']] as const) {
    const budget = new RecoveryBudget();
    const said = Array.from({ length: MAX_RECOVERIES + 1 }, (_, n) => budget.lost(engine, n));
    expect(said).toEqual([...Array.from({ length: MAX_RECOVERIES }, () => 'again'), last]);
    // The other engine begins with nothing against it.
    expect(budget.lost('wasm', 10)).toBe('again');
  }
});

it('losses that are long ago do not count', () => {
  const budget = new RecoveryBudget();
  for (let loss = 0; loss < 20; loss++) expect(budget.lost('wasm', (loss * RECOVERY_WINDOW_MS) / MAX_RECOVERIES)).toBe('again');
});
