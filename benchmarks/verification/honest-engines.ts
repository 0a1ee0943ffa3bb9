/** The engines that honest pairs are made of, and what a machine needs for each. */
import { existsSync } from 'node:fs';
import { openChromium, openFirefox, openWebKit } from './engines/open-browsers.ts';
import { openNodeEngine } from './engines/node-engine.ts';
import { hasNpmTool, npmTool } from './engines/npm-tool.ts';
import { openPageEngine } from './engines/page-engine.ts';
import { EngineMissing } from './engines/row-engine.ts';
import { REFERENCE_CHUNK } from './stages-open.ts';
import type { NpmTool } from './engines/npm-tool.ts';
import type { ComputePage } from './engines/page-engine.ts';
import type { RowEngine } from './engines/row-engine.ts';

export const ENGINE_NAMES = ['2 threads', 'native CPU', 'decode', 'Chromium', 'Firefox', 'WebKit', 'SwiftShader', 'native WebGPU'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** An engine that is open, with what it says about itself. */
export type OpenedEngine = RowEngine & { readonly version?: string };

export interface EngineContext {
  readonly page: () => Promise<ComputePage>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** False: what is not in the cache yet counts as missing. */
  readonly fetchTools: boolean;
}

export interface EngineSpec {
  readonly name: EngineName;
  /** Positions a run. */
  readonly chunk: number;
  /** Takes all cores: runs alone. */
  readonly alone: boolean;
  /** Most prompts, and most prompts with ids, for an engine too slow for all. */
  readonly prompts?: number;
  readonly idPrompts?: number;
  /** Throws EngineMissing with what would make it run here. */
  open(context: EngineContext): Promise<OpenedEngine>;
}

/** 14 prompts × 64 positions × 3 stages = 2,688 rows; SwiftShader takes a second for what WASM does in 40 ms. */
const SOFTWARE_PROMPTS = 14;
const SOFTWARE_ID_PROMPTS = 2;

async function tool(name: NpmTool, { fetchTools, say, signal }: EngineContext): Promise<string> {
  if (!fetchTools && !hasNpmTool(name)) throw new EngineMissing(`${name} is not in the cache; npm run bench -- verification honest fetches it`);
  return npmTool(name, say, signal);
}

/** Whether the system shows a graphics device. */
const hasGraphicsDevice = (): boolean => ['/dev/dri/renderD128', '/dev/nvidia0', '/dev/dxg'].some((device) => existsSync(device)) || process.platform !== 'linux';

export const ENGINES: readonly EngineSpec[] = [
  { name: '2 threads', chunk: REFERENCE_CHUNK, alone: true, open: async ({ signal }) => openNodeEngine({ kind: 'wasm', threads: 2 }, signal) },
  {
    name: 'native CPU',
    chunk: REFERENCE_CHUNK,
    alone: true,
    open: async (context) => openNodeEngine({ kind: 'native', provider: 'cpu', modulePath: await tool('onnxruntime-node', context) }, context.signal),
  },
  { name: 'decode', chunk: 1, alone: false, open: async ({ signal }) => openNodeEngine({ kind: 'wasm', threads: 1 }, signal) },
  { name: 'Chromium', chunk: REFERENCE_CHUNK, alone: false, open: async ({ page, say, signal }) => openPageEngine(await page(), 'wasm', openChromium, say, signal) },
  {
    name: 'Firefox',
    chunk: REFERENCE_CHUNK,
    alone: false,
    open: async (context) => {
      await tool('puppeteer-core', context);
      return openPageEngine(await context.page(), 'wasm', openFirefox, context.say, context.signal);
    },
  },
  { name: 'WebKit', chunk: REFERENCE_CHUNK, alone: false, open: async ({ page, say, signal }) => openPageEngine(await page(), 'wasm', openWebKit, say, signal) },
  {
    name: 'SwiftShader',
    chunk: REFERENCE_CHUNK,
    alone: true,
    prompts: SOFTWARE_PROMPTS,
    idPrompts: SOFTWARE_ID_PROMPTS,
    open: async ({ page, say, signal }) => openPageEngine(await page(), 'webgpu', (options) => openChromium(options, { software: true }), say, signal),
  },
  {
    name: 'native WebGPU',
    chunk: REFERENCE_CHUNK,
    alone: true,
    open: async (context) => {
      if (!hasGraphicsDevice()) throw new EngineMissing('this machine has no graphics device');
      return openNodeEngine({ kind: 'native', provider: 'webgpu', modulePath: await tool('onnxruntime-node', context) }, context.signal);
    },
  },
];

/** Pairs of engines, `reference` being WASM with one thread in Node, chunks of 16. */
export const PAIRS: readonly { readonly name: string; readonly engine: EngineName; readonly against: EngineName | 'reference' }[] = [
  { name: 'WASM 1 v. 2 threads', engine: '2 threads', against: 'reference' },
  { name: 'WASM v. native CPU', engine: 'native CPU', against: 'reference' },
  { name: 'prefill v. decode shapes', engine: 'decode', against: 'reference' },
  { name: 'Node v. Chromium', engine: 'Chromium', against: 'reference' },
  { name: 'Chromium v. Firefox', engine: 'Firefox', against: 'Chromium' },
  { name: 'Chromium v. WebKit', engine: 'WebKit', against: 'Chromium' },
  { name: 'Firefox v. WebKit', engine: 'WebKit', against: 'Firefox' },
  { name: 'WASM v. SwiftShader WebGPU', engine: 'SwiftShader', against: 'reference' },
  { name: 'WASM v. hardware WebGPU', engine: 'native WebGPU', against: 'reference' },
];
