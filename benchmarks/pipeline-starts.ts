import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT } from '../signaling/src/setup/checkout.ts';
import { figureRow, megabytes } from './figures/figure.ts';
import { coldStart } from './start/cold-start.ts';
import { runStart } from './start/run-start.ts';
import type { FigureRow } from './figures/figure.ts';
import type { Parts } from './network/bench-network.ts';

/** Asks for the start from nothing, which downloads some 300 MB. */
const COLD_SWITCH = 'CIRO_BENCH_COLD';
const COLD_MEGABITS_PER_SECOND = 50;

export interface Starts {
  readonly rows: readonly FigureRow[];
  readonly secondS: number;
  readonly firstS: number | { readonly notMeasured: string };
}

/** `npm start -- --once` as whole processes: the second one on a data folder, and, when asked for, the first one of a bare machine. */
export async function measureStarts({ signal }: Parts): Promise<Starts> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ciro-start-'));
  const start = () => runStart({ checkout: CHECKOUT, args: ['--data', dataDir], env: { ...process.env, PORT: '0' }, signal });
  try {
    // The first makes the database and the keys, as the first start of a person did.
    await start();
    const second = await start();
    const rows = [
      figureRow('second start, command to answer', 'whole process, caches warm', 's', [second.answerMs / 1000]),
      figureRow('second start, command to its end', 'whole process, caches warm', 's', [second.totalMs / 1000]),
    ];
    if (process.env[COLD_SWITCH] !== '1') return { rows, secondS: second.totalMs / 1000, firstS: { notMeasured: `it downloads 300 MB; run with ${COLD_SWITCH}=1` } };
    const cold = await coldStart(CHECKOUT, COLD_MEGABITS_PER_SECOND, signal);
    const of = `empty caches, browser from npm, every download through one line of ${COLD_MEGABITS_PER_SECOND} Mbit/s`;
    const coldRows = [
      figureRow('first start, command to answer', of, 's', [cold.answerMs / 1000]),
      figureRow('first start, downloaded', `from ${cold.hosts.join(', ')}`, 'MB', [megabytes(cold.downloadedBytes)]),
    ];
    return { rows: [...rows, ...coldRows], secondS: second.totalMs / 1000, firstS: cold.answerMs / 1000 };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
