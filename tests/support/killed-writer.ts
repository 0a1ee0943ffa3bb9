/** Run by tests/integration/store-crash.test.ts, which kills it: holds one unit for job after job and prints a line for each that was acknowledged. */
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { Ledger } from '../../signaling/src/ledger/ledger.ts';
import { openStore } from '../../signaling/src/store/open-store.ts';
import type { JobId } from '@ciro/core/ids.ts';

const store = await openStore({ dataDir: process.argv[2] ?? '', onError: (error) => process.stderr.write(`${error.message}\n`) });
const ledger = new Ledger(store.ledger, { now: Date.now });
await ledger.start();
await ledger.openTrial('ada');
for (let job = 0; job < 2_000; job++) {
  await ledger.hold(job.toString(16).padStart(32, '0') as JobId, 'ada', BASE_UNITS_PER_CREDIT);
  process.stdout.write(`${job}\n`);
}
