import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import * as v from 'valibot';
import { toyManifest } from '../../../tests/support/toy-model.ts';
import { PageTask } from './page-task.ts';
import { TaskServer } from './task-server.ts';
import type { RowInputs, RowOutputs } from './compute-rows.ts';

const MODEL = { manifest: toyManifest(), shard: async (name: string) => new TextEncoder().encode(name) };
const INPUTS: RowInputs = { prompts: 1, chunk: 16, input: Float32Array.of(1, 2), promptIds: Uint32Array.of(7, 8), check: null };

interface Setup {
  readonly base: string;
  compute(signal?: AbortSignal): Promise<RowOutputs>;
  /** Asks for work as a page does. */
  next(): Promise<PageTask>;
  post(task: PageTask, name: string, body: BodyInit): Promise<number>;
}

async function setup(): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-tasks-'));
  await writeFile(join(folder, 'compute.html'), '<!doctype html>');
  const server = await TaskServer.open(folder);
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const base = new URL('/', server.url).href;
  return {
    base,
    compute: (signal = new AbortController().signal) => server.compute(MODEL, { index: 1 }, INPUTS, 'wasm', signal),
    next: async () => v.parse(PageTask, await (await fetch(`${base}next`)).json()),
    post: async ({ id }, name, body) => (await fetch(`${base}tasks/${id}/${name}`, { method: 'POST', body })).status,
  };
}

const bytes = (values: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(values.slice().buffer);

test('a page that waits is given the task, its inputs, and its rows come back', async () => {
  const { base, compute, next, post } = await setup();
  const asked = next();
  const work = compute();
  const task = await asked;
  expect(task).toMatchObject({ provider: 'wasm', stage: 1, prompts: 1, chunk: 16, check: false });
  expect(new Float32Array(await (await fetch(`${base}tasks/${task.id}/input`)).arrayBuffer())).toEqual(INPUTS.input);
  expect(await (await fetch(`${base}tasks/${task.id}/shards/layer-1`)).text()).toBe('layer-1');
  expect(await post(task, 'rows', bytes(Float32Array.of(3, 4)))).toBe(204);
  await post(task, 'report', JSON.stringify({ others: [] }));
  expect(await work).toEqual({ rows: Float32Array.of(3, 4), ids: null, others: [] });
});

test('pages are isolated, and what is not there is not found', async () => {
  const { base } = await setup();
  const page = await fetch(`${base}compute.html`);
  expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  expect((await fetch(`${base}../../etc/passwd`)).status).toBe(404);
  expect((await fetch(`${base}tasks/none/input`)).status).toBe(409);
});

/** What a task that fails says; asked for before it fails, so that no rejection is without a listener. */
const failureOf = (work: Promise<RowOutputs>): Promise<string> => work.then(() => 'it did not fail', (error: unknown) => String(error));

test('a page that fails, loses its work or sends no rows ends the task with the reason', async () => {
  const { compute, next, post } = await setup();
  const failing = failureOf(compute());
  await post(await next(), 'report', JSON.stringify({ failed: 'out of memory' }));
  expect(await failing).toContain('the page failed: out of memory');
  const empty = failureOf(compute());
  await post(await next(), 'report', JSON.stringify({ others: [] }));
  expect(await empty).toContain('the page sent no rows');
  const lost = failureOf(compute());
  await next();
  const waiting = next();
  expect(await lost).toContain('the page loaded itself anew');
  const last = failureOf(compute());
  await post(await waiting, 'report', JSON.stringify({ failed: 'enough' }));
  expect(await last).toContain('enough');
});

test('a task that is given up rejects with the reason', async () => {
  const { compute } = await setup();
  const controller = new AbortController();
  const work = compute(controller.signal);
  controller.abort(new Error('ended by SIGINT'));
  await expect(work).rejects.toThrow('ended by SIGINT');
});
