/** `npm run doctor [-- --json]`: looks at everything that a coordinator needs here, a line each with what to do. Exit 0, 1 when something keeps it from working, 2 wrong usage. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { certificate, chainFile, environment } from '../doctor/config-checks.ts';
import { findingLines, runChecks } from '../doctor/finding.ts';
import { clock, diskSpace, nodeVersion, port } from '../doctor/machine-checks.ts';
import { browser, devnet, findInstalled, modelCache, page, webgpu } from '../doctor/software-checks.ts';
import { database } from '../doctor/store-check.ts';
import { cacheFolder } from '../models/cache-folder.ts';
import { PAGE_FOLDER } from '../setup/build-page.ts';
import { CHECKOUT } from '../setup/checkout.ts';
import { CHAIN_FILES } from './find-chain.ts';
import { number, usage } from './job-options.ts';
import { runCommand } from './run-command.ts';

const USAGE = 'npm run doctor [-- --json] [--data .ciro/data]      environment: as npm start takes it';
const PORT = 8080;
/** Tells the time to whoever asks, and is where the model comes from. */
const HUB = 'https://huggingface.co';

function options(args: readonly string[]): { readonly json: boolean; readonly dataDir: string } {
  try {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, data: { type: 'string' } } });
    return { json: values.json ?? false, dataDir: resolve(CHECKOUT, values.data ?? '.ciro/data') };
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), USAGE);
  }
}

await runCommand(async () => {
  const { json, dataDir } = options(process.argv.slice(2));
  const { env } = process;
  const cache = cacheFolder(env);
  const databaseUrl = env['DATABASE_URL'] || undefined;
  const installed = findInstalled(env);
  const findings = await runChecks([
    { name: 'node', look: () => nodeVersion(process.versions.node) },
    { name: 'browser', look: async () => browser(env, await installed) },
    { name: 'webgpu', look: async () => webgpu((await installed)?.path) },
    { name: 'page', look: () => page(PAGE_FOLDER) },
    { name: 'model', look: () => modelCache(cache) },
    { name: 'port', look: () => port(number({ PORT: env['PORT'] }, 'PORT', PORT, { least: 0, most: 65_535, whole: true })) },
    { name: 'disk', look: () => diskSpace(dataDir) },
    { name: 'cache disk', look: () => diskSpace(cache) },
    { name: 'clock', look: () => clock(env['CIRO_HUB'] ?? HUB, Date.now) },
    { name: 'database', look: () => database({ dataDir, onError: () => undefined, ...(databaseUrl && { databaseUrl }) }) },
    { name: 'settings', look: () => environment(env) },
    { name: 'certificate', look: () => certificate(env, Date.now()) },
    { name: 'chain', look: () => chainFile(CHECKOUT, CHAIN_FILES, env) },
    { name: 'devnet', look: () => devnet(env, cache) },
  ]);
  const works = findings.every(({ state }) => state !== 'fail');
  process.stdout.write(json ? `${JSON.stringify({ ok: works, findings })}\n` : `${findingLines(findings)}\n${works ? 'A coordinator works here.' : 'Something keeps a coordinator from working here.'}\n`);
  process.exitCode = works ? 0 : 1;
});
