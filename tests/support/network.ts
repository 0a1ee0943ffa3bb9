import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openNetwork } from '../../signaling/src/cli/open-network.ts';
import { findBrowser } from '../../signaling/src/volunteers/find-browser.ts';
import { HARDLY_EVER } from './audit-rate.ts';
import { readyDatabase } from './ready-database.ts';
import type { TestContext } from 'vitest';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';
import type { IceOptions } from '../../signaling/src/relay/ice-servers.ts';
import type { LaunchOptions, Volunteers } from '../../signaling/src/volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../../signaling/src/volunteers/volunteer-launch.ts';
import type { Coordinator } from '../../signaling/src/main.ts';
import type { CoordinatorOptions } from '../../signaling/src/coordinator-options.ts';

export const NO_BROWSER = 'no browser: install Chromium (apt-get install chromium) or name one with CIRO_BROWSER, then `npm test`';

/** The browser of this machine's tests; undefined where there is none, which a test says loudly with `needBrowser`. */
export const browserHere = (): Promise<Browser | undefined> => findBrowser({ report: (line) => console.log(line) });

/** Skips a test with the way to enable it where there is no browser. */
export function needBrowser(test: TestContext, browser: Browser | undefined): asserts browser is Browser {
  if (browser === undefined) test.skip(NO_BROWSER);
}

/** A coordinator in this process with the real model, and volunteers in a real browser. */
export interface TestNetwork extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly volunteers: Volunteers;
}

/** Opens one on free ports with an empty database, ready to answer. Hardly anything is audited unless `environment` says so. */
export async function openTestNetwork(wish: { readonly stages: number; readonly volunteers?: number; readonly engine?: VolunteerEngine; readonly ice?: IceOptions; readonly relayOnly?: boolean; readonly prepare?: LaunchOptions['prepare']; readonly environment?: Pick<CoordinatorOptions, 'auditRate' | 'chain' | 'paymaster' | 'tickets'> }): Promise<TestNetwork> {
  const { stages, volunteers = stages, engine = 'wasm', ice, relayOnly = false, prepare, environment } = wish;
  const dataDir = await readyDatabase(await mkdtemp(join(tmpdir(), 'ciro-e2e-')));
  const lines: string[] = [];
  const stop = new AbortController();
  const forget = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  try {
    const network = await openNetwork({ model: 'default', stages, volunteers, engine, relayOnly, ...(prepare && { prepare }), environment: { auditRate: HARDLY_EVER, ...environment, ...(ice && { ice }) }, port: 0, dataDir, report: (line) => void lines.push(line), signal: stop.signal });
    if (network.volunteers === undefined) throw new Error(`no volunteers:\n${lines.join('\n')}`);
    return {
      coordinator: network.coordinator,
      volunteers: network.volunteers,
      async [Symbol.asyncDispose]() {
        await network[Symbol.asyncDispose]();
        await forget();
      },
    };
  } catch (error) {
    await forget();
    throw error;
  }
}

/** Prints what the pages complained of when the test that used them failed. */
export function reportPages(test: TestContext, volunteers: Pick<Volunteers, 'problems'>): void {
  test.onTestFailed(() => {
    for (const { volunteer, kind, text } of volunteers.problems) console.error(`tab ${volunteer}, ${kind}: ${text}`);
  });
}
