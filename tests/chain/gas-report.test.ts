import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { gasDifferences, reportRows } from '../../benchmarks/contracts/gas-report.ts';
import { measureGas } from '../../benchmarks/contracts/measure.ts';
import { readBars } from '../../benchmarks/bars.ts';
import { checkResult } from '../../benchmarks/result.ts';
import { chainForFile } from '../support/open-chain.ts';

const file = chainForFile();
beforeAll(() => file.open());
beforeEach((context) => file.skipWithout(context));
afterAll(() => file.close());

it('every step takes the gas that the committed report says, within 5 %', async () => {
  const path = join(import.meta.dirname, '..', '..', 'benchmarks', 'results', 'contracts.json');
  const committed = checkResult(JSON.parse(await readFile(path, 'utf8')), await readBars());
  const rows = await measureGas(file.local, () => undefined);
  expect(gasDifferences(committed.rows, reportRows([], rows)), 'run `npm run bench -- contracts` and commit its result, if the change is meant').toEqual([]);
});
