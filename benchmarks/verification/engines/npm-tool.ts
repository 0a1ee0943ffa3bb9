import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import { EngineMissing } from './row-engine.ts';

/** Packages that only this benchmark needs: too large, or used too rarely, for everyone's checkout. Pinned with all hashes. */
export const NPM_TOOLS = {
  'onnxruntime-node': { version: '1.30.0', megabytes: 288 },
  'puppeteer-core': { version: '25.16.0', megabytes: 35 },
} as const;
export type NpmTool = keyof typeof NPM_TOOLS;

/** 288 MB at 4 Mbit/s. */
const NPM_TIMEOUT_MS = 600_000;

const folderOf = (tool: NpmTool): string => join(cacheFolder(), 'tools', `${tool}-${NPM_TOOLS[tool].version}`);

/** Whether the tool is in the cache. */
export const hasNpmTool = (tool: NpmTool): boolean => existsSync(join(folderOf(tool), 'node_modules', tool));

/** Path of the module to import; fetched into the cache at the first call. Throws EngineMissing when npm cannot have it. */
export async function npmTool(tool: NpmTool, say: (line: string) => void, signal: AbortSignal): Promise<string> {
  const folder = folderOf(tool);
  if (!hasNpmTool(tool)) {
    const { version, megabytes } = NPM_TOOLS[tool];
    say(`fetching ${tool} ${version} (${megabytes} MB) into ${folder}`);
    // A folder of this process's own, moved into place when complete: a broken install is never used.
    const draft = `${folder}.${process.pid}`;
    try {
      await mkdir(draft, { recursive: true });
      for (const file of ['package.json', 'package-lock.json']) await copyFile(join(import.meta.dirname, '..', '..', 'tools', tool, file), join(draft, file));
      await runToEnd('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], draft, AbortSignal.any([signal, AbortSignal.timeout(NPM_TIMEOUT_MS)]));
      await rename(draft, folder).catch((error: unknown) => {
        if (!hasNpmTool(tool)) throw error; // another run was faster otherwise
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new EngineMissing(`${tool} ${version} could not be fetched from npm: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  return createRequire(join(folder, 'package.json')).resolve(tool);
}

function runToEnd(command: string, args: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}: ${output.trim().split('\n').slice(-5).join(' ')}`))));
  });
}
