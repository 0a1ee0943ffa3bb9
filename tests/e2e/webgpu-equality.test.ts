import { expect, it } from 'vitest';
import { browserHere, needBrowser, openTestNetwork, reportPages } from '../support/network.ts';
import { faultsOf } from '../support/network-evidence.ts';
import { answerOf } from '../support/network-question.ts';
import { browserStatus } from '../support/browser-status.ts';
import { hasWebGpu, NO_WEBGPU } from '../support/browser-webgpu.ts';
import { greedyVector } from '../support/network-vectors.ts';

const browser = await browserHere();
const STAGES = 3;
/** The software adapter takes 5 to 7 s a token on two cores, so answers are cut here; `npm run bench -- equality` has every prompt. */
const TOKENS = 8;
/** One short prompt of three chunks, for the same reason. */
const { messages, outputIds } = greedyVector('list');
const TIMEOUT_MS = 1_200_000;

it('three tabs on WebGPU answer token for token as the unsharded model', async (test) => {
  needBrowser(test, browser);
  if (!(await hasWebGpu(browser))) test.skip(NO_WEBGPU);
  await using network = await openTestNetwork({ stages: STAGES, engine: 'webgpu' });
  reportPages(test, network.volunteers);
  const statuses = await Promise.all(network.volunteers.pages.map(browserStatus));
  expect(statuses.map(({ engine }) => engine)).toEqual(Array.from({ length: STAGES }, () => 'webgpu'));
  const wanted = outputIds.slice(0, TOKENS);
  const { evidence } = await answerOf(network.coordinator, { messages, maxTokens: wanted.length });
  expect(evidence.token_ids).toEqual(wanted);
  expect(evidence.stages.map(({ engine }) => engine)).toEqual(Array.from({ length: STAGES }, () => 'webgpu'));
  expect(await faultsOf(evidence)).toEqual([]);
}, TIMEOUT_MS);
