import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { answeredWithin, kinds, setup, turn } from './job-runner.fixture.ts';
import { COLLECT_TIMEOUT_MS, CONTINUATION_WAIT_MS, FIRST_TOKEN_TIMEOUT_MS, MAX_RUNNING_JOBS, PLACEMENT_DEBOUNCE_MS, READY_WAIT_MS, TOKEN_TIMEOUT_MS } from './scheduler-limits.ts';
import { jobId, nodeId } from './workers.fixture.ts';
import type { Watched } from './job-runner.fixture.ts';

const SEED = 20_269;
/** Signatures of records are checked on other threads, which a busy machine keeps waiting. */
const FUZZ_TIMEOUT_MS = 120_000;

/** A runner over this many workers, as many rings as they make. */
function running(count: number, options: Parameters<typeof setup>[0] = {}) {
  const scene = setup(options);
  const { clock, workers, runner } = scene;
  const settle = (): void => {
    for (let step = 0; step < 16; step++) {
      clock.advance(PLACEMENT_DEBOUNCE_MS / 4);
      workers.settle();
    }
  };
  scene.ready(count);
  settle();
  const rings = (): NodeId[][] => runner.status().rings.map(({ stages }) => stages.flatMap(({ worker }) => worker ?? []));
  return { ...scene, settle, rings };
}

it('P5: two jobs at the same time run over two rings, and neither disturbs the other', async () => {
  const { run, ring, rings, answer, runner, workers } = running(10);
  expect(rings()).toHaveLength(2);
  const [first, second] = [run(1), run(2)];
  await turn();
  expect([ring(1), ring(2)]).toEqual(rings());
  expect(runner.status()).toMatchObject({ placed: 6, spare: 4, running: 2, rings: [{ ready: true, running: 1, spares: 3 }, { ready: true, running: 1, spares: 1 }] });
  for (const n of [1, 2]) answer(n);
  await Promise.all([first, second].map(answeredWithin));
  expect([kinds(first).at(-1), kinds(second).at(-1), workers.offences]).toEqual(['recorded', 'recorded', []]);
});

it('P5: rings hold as many jobs together as each of them alone', async () => {
  const { run, runner } = running(14);
  const jobs = Array.from({ length: 3 * MAX_RUNNING_JOBS + 1 }, (_, n) => run(n + 1));
  await turn();
  expect(runner.status()).toMatchObject({ running: 3 * MAX_RUNNING_JOBS, queued: 1 });
  expect(jobs.at(-1)?.events).toEqual([{ type: 'queued', ahead: 0 }]);
});

it('E3: there is one queue for all rings: accounts take turns, whichever ring has room', async () => {
  const { run, answer } = running(10, { maxRunning: 1 });
  run(1, { account: 'much' });
  run(2, { account: 'much' });
  const more = [run(3, { account: 'much' }), run(4, { account: 'much' })];
  const little = run(5, { account: 'little' });
  await turn();
  expect([...more, little].map(({ events }) => events.at(-1))).toEqual([1, 2, 0].map((ahead) => ({ type: 'queued', ahead })));
  answer(2);
  await turn();
  expect([...more, little].map((job) => kinds(job).at(-1))).toEqual(['queued', 'queued', 'assigned']);
});

it('G10: an answer whose ring loses a stage and has no spare goes on over the other ring at once; jobs of that ring hear nothing of it', async () => {
  const { clock, run, ring, rings, prepare, token, answer, workers } = running(10);
  const [job, other] = [run(1), run(2)];
  await turn();
  for (const n of [1, 2]) {
    prepare(n);
    token(n, 2);
  }
  // Spares of both rings leave first: nobody can mend the first one.
  for (const id of workers.nodes().filter((each) => !rings().flat().includes(each))) workers.leave(id);
  const victim = ring(1)[1] ?? nodeId(0);
  const stands = ring(2);
  workers.leave(victim, 'tab closed');
  await turn();
  expect(job.events.at(-1)).toMatchObject({ reason: 'moved', lost: { fields: { worker: victim } } });
  const rest = run(3, { continues: jobId(1) });
  await turn();
  expect([ring(3), kinds(rest)]).toEqual([stands, ['assigned']]);
  for (const n of [2, 3]) answer(n);
  clock.advance(COLLECT_TIMEOUT_MS);
  await Promise.all([job, other, rest].map(answeredWithin));
  expect([job, other, rest].map((each) => each.events.at(-1))).toMatchObject([{ record: { finish: 'moved' } }, { record: { finish: 'length' } }, { record: { finish: 'length' } }]);
  expect(rings()).toEqual([stands]);
});

it('G10: a job that loses its ring before its first id is placed anew over another that is ready', async () => {
  const { run, ring, version, workers, answer } = running(10);
  const job = run(1);
  await turn();
  const [victim = nodeId(0)] = ring(1);
  workers.leave(victim, 'transport close');
  await turn();
  expect([version(1), ring(1).includes(victim), kinds(job).at(-1)]).toEqual([2, false, 'assigned']);
  answer(1);
  await answeredWithin(job);
  expect(kinds(job).at(-1)).toBe('recorded');
});

it('P5: a ring that is placed anew takes nothing meanwhile, and a job that needs it holds up nobody who does not', async () => {
  const { run, ring, rings, settle } = running(10);
  const [first = [], second = []] = rings();
  // Whom both rings are barred for waits until the first one is idle and placed without them.
  const again = run(1, { exclude: [first[0] ?? nodeId(0), second[0] ?? nodeId(0)] });
  const [plain, plainer] = [run(2), run(3)];
  await turn();
  expect([kinds(again), ring(2), ring(3)]).toEqual([['queued'], second, second]);
  expect([plain, plainer].map((job) => kinds(job))).toEqual([['assigned'], ['assigned']]);
  settle();
  await turn();
  expect(ring(1).filter((each) => [first[0], second[0]].includes(each))).toEqual([]);
  expect([ring(1).length, rings()[1]]).toEqual([3, second]);
});

it('A8: a job that excludes workers of one ring runs over another at once, and no ring changes for it', async () => {
  const { run, ring, rings } = running(10);
  const before = rings();
  run(1, { exclude: [before[0]?.[1] ?? nodeId(0)] });
  await turn();
  expect([ring(1), rings()]).toEqual([before[1], before]);
});

type Step = { readonly ask: number } | { readonly answer: number } | { readonly stop: number } | { readonly leave: number } | { readonly join: number } | { readonly wait: number } | { readonly settle: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ ask: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ answer: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ stop: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ leave: fc.nat(16) }) },
  { weight: 4, arbitrary: fc.record({ join: fc.nat(16) }) },
  { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(50, 1_000, 3_000) }) },
  { weight: 4, arbitrary: fc.constant({ settle: true } as const) },
);

it(`whatever happens over several rings, every job ends once, plans at the same time share a whole ring or nobody, and nothing is left (seed ${SEED})`, async () => {
  let [most, recorded] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 50 }), async (steps) => {
      const { clock, run, ring, rings, answer, settle, workers, runner } = running(14);
      const jobs: Watched[] = [];
      const live = (): number[] => jobs.flatMap((job, n) => (!job.ended && /^(assigned|token)$/.test(kinds(job).at(-1) ?? '') ? n + 1 : []));
      for (const each of steps) {
        if ('ask' in each) jobs.push(run(jobs.length + 1, { account: `account ${each.ask % 3}`, ...(each.ask === 4 ? { stages: 2 } : {}), ...(each.ask === 5 ? { exclude: [nodeId(3)] } : {}) }));
        else if ('answer' in each && jobs.length > 0) answer((each.answer % jobs.length) + 1);
        else if ('stop' in each) jobs[each.stop % Math.max(1, jobs.length)]?.stop('cancelled');
        else if ('leave' in each) workers.leave(nodeId(each.leave + 1), 'fuzz', each.leave % 4 === 0);
        else if ('join' in each && workers.worker(nodeId(each.join + 1)) === undefined) workers.join(each.join + 1);
        else if ('wait' in each) clock.advance(each.wait);
        else if ('settle' in each) workers.settle();
        await turn();
        const plans = live().map(ring).filter(({ length }) => length > 0);
        for (const plan of plans) for (const other of plans) expect([0, plan.length]).toContain(plan.filter((worker) => other.includes(worker)).length);
        most = Math.max(most, rings().length);
      }
      for (let n = 1; n <= 16; n++) if (workers.worker(nodeId(n)) === undefined) workers.join(n);
      // Time and workers end every job.
      for (let round = 0; round < 100 && runner.status().running + runner.status().queued > 0; round++) {
        settle();
        clock.advance(Math.max(READY_WAIT_MS, CONTINUATION_WAIT_MS, FIRST_TOKEN_TIMEOUT_MS + TOKEN_TIMEOUT_MS));
        await turn();
      }
      for (const job of jobs) await answeredWithin(job);
      expect(jobs.map(({ ended }) => ended)).not.toContain(false);
      expect(runner.status()).toMatchObject({ running: 0, queued: 0 });
      for (const job of jobs) {
        const told = kinds(job).filter((kind) => kind !== 'queued' && kind !== 'assigned').join(' ');
        expect(job.error === undefined ? told : 'failed').toMatch(/^((token )*finished recorded|failed)$/);
        recorded += Number(job.error === undefined);
      }
      await runner.close();
      expect(clock.pending).toBe(0);
    }),
    { seed: SEED, numRuns: 24, endOnFailure: true },
  );
  expect(most).toBeGreaterThan(2);
  expect(recorded).toBeGreaterThan(10);
}, FUZZ_TIMEOUT_MS);
