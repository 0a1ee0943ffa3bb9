import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { parseWorkerMessage } from '@ciro/core/protocol/parse.ts';
import { readMemory, rendererPid } from '../../signaling/src/volunteers/renderer-memory.ts';
import { browserInState } from '../../tests/support/browser-status.ts';
import { startCoordinatorProcess } from './coordinator-process.ts';
import type { Page, WebSocketRoute } from 'playwright-core';
import type { RendererMemory } from '../../signaling/src/volunteers/renderer-memory.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Parts } from './bench-network.ts';

const STAGES = 3;
/** Every tab says that it is as fast as the others and that the head costs nothing: then layers are dealt out evenly. */
const EQUAL = { layerMs: 1, layerMs16: 1, headMs: 0 } as const;

// The coding of the control socket; the package that has it comes with socket.io-msgpack-parser and has no types.
const Msgpack = v.object({ encode: v.function(), decode: v.function() });
const msgpack = v.parse(Msgpack, createRequire(createRequire(import.meta.url).resolve('socket.io-msgpack-parser'))('notepack.io'));
const EventPacket = v.looseObject({ type: v.literal(2), data: v.tuple([v.literal('m'), v.unknown()]) });

/** Three tabs that hold ten layers each whatever this machine measured, for figures about a range of layers. */
export interface EvenTabs extends AsyncDisposable {
  /** In stage order. */
  readonly pages: readonly Page[];
  /** Resolves once every stage is placed, loaded and linked. */
  ready(): Promise<void>;
  /** In stage order. */
  memory(): Promise<readonly RendererMemory[]>;
}

/** Opens them and waits for their shards. */
export async function openEvenTabs({ browser, modelPath, signal }: Parts): Promise<EvenTabs> {
  await using opening = new AsyncDisposableStack();
  const coordinator = opening.use(await startCoordinatorProcess({ modelPath, stages: STAGES, expectWorkers: STAGES }, signal));
  const chromiumProcess = await chromium.launch({ executablePath: browser.path, env: { ...process.env, ...browser.env }, args: ['--no-sandbox', '--disable-quic', '--disable-gpu'] });
  opening.defer(() => chromiumProcess.close());
  const pages: Page[] = [];
  for (let tab = 0; tab < STAGES; tab++) {
    const page = await (await chromiumProcess.newContext()).newPage();
    await page.routeWebSocket(/\/socket\//, (route) => passOn(route));
    pages.push(page);
  }
  await Promise.all(pages.map((page) => page.goto(`${coordinator.url}/#volunteer=1&engine=wasm`)));
  await coordinator.ready();
  const placed = await Promise.all(pages.map(async (page) => ({ page, from: (await browserInState(page, 'ready')).layers?.[0] ?? 0 })));
  const inOrder = placed.sort((a, b) => a.from - b.from);
  const wanted = [0, 10, 20];
  if (inOrder.some(({ from }, stage) => from !== wanted[stage])) throw new Error(`the layers were not dealt out evenly: stages begin at ${inOrder.map(({ from }) => from).join(', ')}`);
  const opened = opening.move();
  return {
    pages: inOrder.map(({ page }) => page),
    ready: () => coordinator.ready(),
    async memory() {
      const found: RendererMemory[] = [];
      for (const { page } of inOrder) {
        const memory = await readMemory(await rendererPid(page));
        if (memory === undefined) throw new Error('the memory of a renderer can be read on Linux only');
        found.push(memory);
      }
      return found;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Carries one control socket, with equal figures in its profile. */
function passOn(route: WebSocketRoute): void {
  const server = route.connectToServer();
  route.onMessage((message) => server.send(typeof message === 'string' ? message : withEqualProfile(message)));
}

function withEqualProfile(bytes: Buffer): Buffer {
  const packet: unknown = msgpack.decode(bytes);
  if (!v.is(EventPacket, packet)) return bytes;
  const message: WorkerMessage = parseWorkerMessage(packet.data[1]);
  if (message.type !== 'profile') return bytes;
  return v.parse(v.instance(Buffer), msgpack.encode({ ...packet, data: ['m', { ...message, ...EQUAL }] }));
}
