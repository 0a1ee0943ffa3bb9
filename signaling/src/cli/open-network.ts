import { existsSync } from 'node:fs';
import { fetchDefaultModel } from '../models/fetch-default-model.ts';
import { ModelRegistry } from '../models/model-registry.ts';
import { startCoordinator } from '../main.ts';
import { buildPage, PAGE_FOLDER } from '../setup/build-page.ts';
import { findBrowser } from '../volunteers/find-browser.ts';
import { launchVolunteers } from '../volunteers/launch-volunteers.ts';
import { showProgress } from './progress.ts';
import { waitForVolunteers } from './volunteer-status.ts';
import type { Coordinator } from '../main.ts';
import type { CoordinatorOptions, environmentOptions } from '../coordinator-options.ts';
import type { LaunchOptions, Volunteers } from '../volunteers/launch-volunteers.ts';
import type { VolunteerEngine } from '../volunteers/volunteer-launch.ts';

type Environment = ReturnType<typeof environmentOptions> & Pick<CoordinatorOptions, 'chain' | 'disputes' | 'escrow' | 'paymaster' | 'tickets'>;

export interface NetworkOptions {
  /** Name of a served model or path of a GGUF file; `default` is fetched when it is not in the cache. */
  readonly model: string;
  readonly stages: number;
  /** Headless volunteers to open; 0 opens none. */
  readonly volunteers: number;
  readonly engine: VolunteerEngine;
  /** 0 takes a free port. */
  readonly port: number;
  readonly dataDir: string;
  /** Address to listen on; every one of this machine when absent. */
  readonly host?: string;
  /** What the environment sets: database, public address, certificate, chain, which may be on its way until the model is here. A private network has none of it. */
  readonly environment?: Environment | Promise<Environment>;
  /** As in `launchVolunteers`. */
  readonly prepare?: LaunchOptions['prepare'];
  readonly relayOnly?: boolean;
  /** Progress for a person, one line at a time. */
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Where the time went, for the evidence file. Milliseconds; one entry a volunteer. */
export interface Timings {
  readonly install_ms: number;
  readonly model_ms: number;
  readonly join_ms: readonly number[];
  readonly ready_ms: readonly number[];
}

/** A running coordinator and the headless volunteers beside it, if a browser could be had. */
export interface Network extends AsyncDisposable {
  readonly coordinator: Coordinator;
  readonly volunteers?: Volunteers;
  readonly timings: Timings;
}

/** Everything from a checkout to a network that answers: page, model, coordinator, volunteers with their shards. */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const { report, signal } = options;
  const builtMs = await buildPage({ signal });
  if (builtMs > 0) report(`page built in ${(builtMs / 1000).toFixed(1)} s`);

  const modelStarted = performance.now();
  const models = await openModels(options);
  const modelMs = performance.now() - modelStarted;

  const coordinator = await startCoordinator({
    ...(await options.environment),
    port: options.port,
    ...(options.host === undefined ? {} : { host: options.host }),
    dataDir: options.dataDir,
    models,
    stages: options.stages,
    webDist: PAGE_FOLDER,
    ...(options.volunteers === 0 ? {} : { expectWorkers: options.volunteers }),
  });
  report(`coordinator at ${coordinator.url}`);
  const close = async (volunteers?: Volunteers): Promise<void> => {
    await volunteers?.close();
    await coordinator.close();
  };
  let volunteers: Volunteers | undefined;
  try {
    const browser = options.volunteers === 0 ? undefined : await findBrowser({ report, signal });
    if (browser !== undefined) {
      report(`opening ${options.volunteers} volunteers in ${browser.version}`);
      volunteers = await launchVolunteers({ browser, url: coordinator.url, count: options.volunteers, engine: options.engine, signal, ignoreCertificate: true, ...(options.prepare === undefined ? {} : { prepare: options.prepare }), relayOnly: options.relayOnly ?? false });
    }
    const joined = volunteers === undefined ? [] : await waitForVolunteers(volunteers, coordinator, options, signal);
    const opened = volunteers;
    return {
      coordinator,
      ...(opened === undefined ? {} : { volunteers: opened }),
      timings: {
        install_ms: Number(process.env['CIRO_INSTALL_MS'] ?? 0),
        model_ms: Math.round(modelMs),
        join_ms: joined.map((one) => Math.round(one.joinMs)),
        ready_ms: joined.map((one) => Math.round(one.readyMs)).filter((ms) => ms > 0),
      },
      [Symbol.asyncDispose]: () => close(opened),
    };
  } catch (error) {
    await close(volunteers);
    throw error;
  }
}

async function openModels(options: NetworkOptions): Promise<ModelRegistry> {
  const { signal } = options;
  const registry = new ModelRegistry();
  if (options.model.endsWith('.gguf') || existsSync(options.model)) {
    await registry.add(options.model, { signal });
    return registry;
  }
  const progress = showProgress('model');
  const path = await fetchDefaultModel({ signal, onProgress: ({ step, bytes, totalBytes }) => step !== 'verify' && progress.update(bytes, totalBytes) });
  progress.done();
  await registry.add(path, { signal });
  return registry;
}
