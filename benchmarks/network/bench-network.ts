import { buildPage } from '../../signaling/src/setup/build-page.ts';
import { fetchDefaultModel } from '../../signaling/src/models/fetch-default-model.ts';
import { findBrowser } from '../../signaling/src/volunteers/find-browser.ts';
import { launchVolunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import { startCoordinatorProcess } from './coordinator-process.ts';
import { TrialDoors } from './open-trial.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { Volunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../../signaling/src/volunteers/volunteer-launch.ts';
import type { NetworkQuestion } from '../../tests/support/network-question.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';
import type { CoordinatorProcess } from './coordinator-process.ts';

/** What every network of a benchmark is made of. */
export interface Parts {
  readonly browser: Browser;
  readonly modelPath: string;
  readonly signal: AbortSignal;
}

/**
 * Builds the page, fetches the model and finds a browser.
 * @throws Error without a browser: there is nothing to measure then
 */
export async function prepareParts(signal: AbortSignal, say: (line: string) => void): Promise<Parts> {
  await buildPage({ signal });
  const modelPath = await fetchDefaultModel({ signal });
  const browser = await findBrowser({ report: say, signal });
  if (browser === undefined) throw new Error('this benchmark measures tabs of a browser: install Chromium, or name one with CIRO_BROWSER');
  return { browser, modelPath, signal };
}

/** A coordinator in its own process and a tab for every stage, ready to answer. */
export interface BenchNetwork extends AsyncDisposable {
  readonly coordinator: CoordinatorProcess;
  readonly volunteers: Volunteers;
  /** Asks greedily and gives the job's evidence. */
  ask(question: NetworkQuestion): Promise<Evidence>;
}

/** Opens one with as many tabs as stages. */
export async function openBenchNetwork({ browser, modelPath, signal }: Parts, wish: { readonly stages: number; readonly engine: VolunteerEngine; readonly databaseUrl?: string; readonly ice?: CoordinatorOptions['ice']; readonly relayOnly?: boolean; readonly auditRate?: number; readonly maxBatchJobs?: number; readonly maxDrafts?: number }): Promise<BenchNetwork> {
  const { stages, engine, databaseUrl, ice, relayOnly = false, auditRate, maxBatchJobs, maxDrafts } = wish;
  await using opening = new AsyncDisposableStack();
  const coordinator = opening.use(await startCoordinatorProcess({ modelPath, stages, expectWorkers: stages, ...(databaseUrl && { databaseUrl }), ...(ice && { ice }), ...(auditRate !== undefined && { auditRate }) }, signal));
  const volunteers = opening.use(await launchVolunteers({ browser, url: coordinator.url, count: stages, engine, relayOnly, signal, ...(maxBatchJobs && { maxBatchJobs }), ...(maxDrafts !== undefined && { maxDrafts }) }));
  await coordinator.ready();
  const doors = new TrialDoors(coordinator);
  const opened = opening.move();
  return {
    coordinator,
    volunteers,
    ask: (question) => doors.answer({ ...question, signal }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
