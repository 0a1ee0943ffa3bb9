import * as v from 'valibot';
import { expect, it } from 'vitest';
import { QUALIFICATION_TOLERANCE } from '@ciro/web/engine/qualification.ts';
import { browserHere, needBrowser } from '../support/network.ts';
import { hasWebGpu, NO_WEBGPU } from '../support/browser-webgpu.ts';
import { openQualificationPage } from '../support/qualification-page/open-qualification-page.ts';

const browser = await browserHere();

const Errors = v.array(v.looseObject({ errorOfScale: v.nullable(v.number()) }));
/** JSON has no infinity: it comes as null. */
const Qualified = v.object({ provider: v.string(), eligible: v.boolean(), boundaries: Errors, operators: Errors, failure: v.exactOptional(v.string()) });
const worst = (errors: v.InferOutput<typeof Errors>): number => Math.max(0, ...errors.map(({ errorOfScale }) => errorOfScale ?? Infinity));

it('the known fault of fused attention on a GPU is found by the vectors that plain attention passes, and the tab falls back to WASM', async (test) => {
  needBrowser(test, browser);
  if (!(await hasWebGpu(browser))) test.skip(NO_WEBGPU);
  await using opened = await openQualificationPage(browser);
  const { page } = opened;
  const run = async (provider: string, attention: string) => {
    const started = performance.now();
    const result = v.parse(Qualified, JSON.parse(String(await page.evaluate(`globalThis.run('${provider}', '${attention}').then(JSON.stringify)`))));
    console.info(`${provider}, ${attention} attention: stages ${worst(result.boundaries).toExponential(1)}, operators ${worst(result.operators).toExponential(1)} of scale, ${Math.round(performance.now() - started)} ms${result.failure === undefined ? '' : `, ${result.failure}`}`);
    return result;
  };

  // The same graph on WASM is right: what is wrong on the GPU is its kernel, not how the graph is built.
  expect(await run('wasm', 'fused')).toMatchObject({ eligible: true });
  expect(await run('webgpu', 'plain')).toMatchObject({ eligible: true });

  const fused = await run('webgpu', 'fused');
  expect(fused.failure).toBeUndefined();
  expect(fused.eligible).toBe(false);
  expect(worst(fused.boundaries)).toBeGreaterThan(QUALIFICATION_TOLERANCE);
  // Every operator alone is right: only whole stages show a fault of a fused one.
  expect(worst(fused.operators)).toBeLessThan(QUALIFICATION_TOLERANCE);

  expect(await page.evaluate('globalThis.choose()')).toEqual({ provider: 'wasm', eligible: { webgpu: false, wasm: true } });
});
