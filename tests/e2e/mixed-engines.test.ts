import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openFirefox } from '../../benchmarks/verification/engines/open-browsers.ts';
import { EngineMissing } from '../../benchmarks/verification/engines/row-engine.ts';
import { eventsOfJob } from '../support/answer-jobs.ts';
import { hasWebGpu } from '../support/browser-webgpu.ts';
import { openChangingNetwork } from '../support/changing-network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf, evidenceOf } from '../support/network-question.ts';
import { greedyVector } from '../support/network-vectors.ts';
import { browserHere, needBrowser } from '../support/network.ts';
import type { TestContext } from 'vitest';
import type { AskedBrowser, OpenOptions } from '../../benchmarks/verification/engines/open-browsers.ts';

const STAGES = 3;
/** The software adapter takes seconds for its layers, so the answer is cut; its ids are those of the unsharded model all the same. */
const TOKENS = 8;
const QUESTION = greedyVector('list');
const TIMEOUT_MS = 900_000;
const POLL_MS = 100;
/** Its host candidates are names that only multicast DNS resolves, unless this is off: without that the link goes through the coordinator. */
const PREFS = { 'media.peerconnection.ice.obfuscate_host_addresses': false };

const browser = await browserHere();

/** Skips the test, saying what to install, where there is no Firefox. */
async function firefoxOr(test: TestContext, options: OpenOptions): Promise<AskedBrowser> {
  try {
    return await openFirefox({ ...options, prefs: PREFS });
  } catch (error) {
    if (!(error instanceof EngineMissing)) throw error;
    console.error(`NOT TESTED, a ring with Firefox: ${error.message}; then npx vitest run --project e2e-gpu tests/e2e/mixed-engines.test.ts`);
    return test.skip(error.message);
  }
}

async function until(holds: () => boolean, signal: AbortSignal): Promise<void> {
  while (!holds()) await sleep(POLL_MS, undefined, { signal });
}

it('a ring of Firefox, Chromium on WASM and Chromium on WebGPU answers as the unsharded model, and the audits of all three stages pass', async (test) => {
  needBrowser(test, browser);
  const gpu = await hasWebGpu(browser);
  if (!gpu) console.error('NOT TESTED, a stage on WebGPU: this browser has no adapter, not even the software one; the ring has two tabs on WASM instead');
  await using network = await openChangingNetwork(browser, { stages: STAGES, spares: 0, elsewhere: 1, engines: [gpu ? 'webgpu' : 'wasm', 'wasm'], auditRate: 1 });
  const { coordinator, tabs } = network;
  const { signal } = test;
  await using firefox = await firefoxOr(test, { url: `${coordinator.url}/#volunteer=1&engine=wasm`, say: (line) => console.log(line), signal });
  test.onTestFailed(async () => {
    console.error(JSON.stringify(tabs.problems), JSON.stringify(await firefox.evaluate('globalThis.ciro?.status()').catch(String)), JSON.stringify(coordinator.status()));
  });
  // A software adapter measures itself for long; meanwhile the others may have been placed without it.
  await until(() => coordinator.status().stages.length === STAGES && coordinator.status().ready, signal);
  // Comes when the ring stands, so it is no part of it and may audit it: on WASM in Chromium, what Firefox and the graphics adapter computed.
  await tabs.open();
  await until(() => coordinator.status().spare === 1 && coordinator.status().ready, signal);

  const { evidence } = await answerOf(coordinator, { messages: QUESTION.messages, maxTokens: TOKENS, signal });
  expect(evidence.token_ids).toEqual(QUESTION.outputIds.slice(0, TOKENS));
  expect(await faultsOf(evidence)).toEqual([]);
  const { node_id: firefoxNode } = (await firefox.evaluate('globalThis.ciro.status()')) as { node_id: string };
  expect(evidence.stages.map(({ worker }) => worker)).toContain(firefoxNode);
  expect(evidence.stages.map(({ engine }) => engine).toSorted()).toEqual(gpu ? ['wasm', 'wasm', 'webgpu'] : ['wasm', 'wasm', 'wasm']);
  // Frames between the two browsers cross by WebRTC, not through the coordinator.
  expect(evidence.stages.map(({ link }) => link)).toEqual(['direct', 'direct', 'direct']);

  await eventsOfJob(coordinator, evidence.job, 'settled', signal);
  const audited = await evidenceOf(coordinator, evidence.job);
  expect(audited.stages.map(({ audit_status: status }) => status)).toEqual(['passed', 'passed', 'passed']);
}, TIMEOUT_MS);
