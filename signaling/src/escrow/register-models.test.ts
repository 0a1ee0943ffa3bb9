import { expect, it } from 'vitest';
import { chainModelOf } from '@ciro/core/settlement/escrow.ts';
import { registerModels } from './register-models.ts';
import type { ChainModel } from '@ciro/core/settlement/escrow.ts';

const model = (digit: string) => ({ id: digit.repeat(64), file: 'f'.repeat(64) });

it('N2: registers what the contract does not know, once, and leaves a revoked model revoked', async () => {
  const known = new Map<string, boolean>([[chainModelOf(model('2')).id, true]]);
  const sent: ChainModel[] = [];
  const register = {
    model: async (id: string) => ({ high: 0n, low: 0n, registered: known.has(id), revoked: known.get(id) === true }),
    registerModel: async (each: ChainModel) => (sent.push(each), known.set(each.id, false), `0x${sent.length}`),
  };
  const models = ['1', '2', '3'].map(model);
  expect(await registerModels(register, models)).toEqual(new Map([[chainModelOf(model('1')).id, '0x1'], [chainModelOf(model('3')).id, '0x2']]));
  expect((await registerModels(register, models)).size).toBe(0);
  expect(sent).toEqual([chainModelOf(model('1')), chainModelOf(model('3'))]);
});
