import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { array, object, parse, string } from 'valibot';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHECKOUT } from './checkout.ts';

/** `[file, import it must not have, words of the message that says where to import from instead]` */
const FORBIDDEN: readonly (readonly [file: string, source: string, message: string])[] = [
  ['core/src/model/a.ts', `import 'node:fs';`, 'core is pure'],
  ['core/src/model/b.ts', `import '@ciro/web/engine/ort.ts';`, 'core imports nothing of ours'],
  ['core/src/model/c.ts', `import '../../../signaling/src/main.ts';`, 'core imports nothing of ours'],
  ['core/src/model/d.ts', `import 'kysely';`, 'core depends on'],
  ['core/src/model/e.ts', `import '@noble/curves/p256.js';`, 'core depends on'],
  ['core/src/model/f.test.ts', `import '@ciro/signaling/main.ts';`, 'stands on core and tests/support alone'],
  ['core/src/model/g.test.ts', `import '../../../tests/integration/ring.ts';`, 'stands on core and tests/support alone'],
  ['web/src/engine/d.test.ts', `import '@ciro/signaling/models/import-model.ts';`, 'belongs in tests/integration'],
  ['signaling/src/models/d.test.ts', `import '@ciro/web/engine/ort.ts';`, 'belongs in tests/integration'],
  ['core/src/numeric/a.ts', `export const a = Math.sin(1);`, 'use core/src/numeric'],
  ['core/src/numeric/b.ts', `export const b = Math.pow(2, 0.5);`, 'use core/src/numeric'],
  ['core/src/numeric/c.ts', `export const c = Math.tanh(2);`, 'use core/src/numeric'],
  ['core/src/job/a.ts', `export const a = Math.random();`, 'core has no randomness'],
  ['core/src/job/b.ts', `export const b = Date.now();`, 'core has no clock'],
  ['core/src/job/c.ts', `export const c = performance.now();`, 'core has no clock'],
  ['core/src/job/d.ts', `export const d = crypto.getRandomValues(new Uint8Array(1));`, 'core has no randomness'],
  ['core/src/job/e.ts', `export const e = 'a'.localeCompare('b');`, 'locale'],

  ['web/src/engine/a.ts', `import 'onnxruntime-web/webgpu';`, 'web/src/engine/ort.ts'],
  ['web/src/engine/b.ts', `import '../shards/a.ts';`, 'lowest room'],
  ['web/src/engine/c.ts', `export const c = Math.exp(1);`, '@ciro/core/numeric'],
  ['web/src/engine/ort.ts', `import '../pipeline/a.ts';`, 'only wraps onnxruntime-web'],
  ['web/src/pipeline/a.ts', `import '../transport/peer-link.ts';`, 'only through ports'],
  ['web/src/pipeline/b.ts', `import '../worker/entry.ts';`, 'Arrows point down'],
  ['web/src/audit/a.ts', `import '../worker/compute-service.ts';`, 'worker wires it'],
  ['web/src/shards/a.ts', `import '../participant/join.ts';`, 'Arrows point down'],
  ['web/src/shards/b.ts', `import '../wallet/keys.ts';`, 'only through ports'],
  ['web/src/transport/a.ts', `import 'simple-peer/simplepeer.min.js';`, 'web/src/transport/peer-link.ts'],
  ['web/src/transport/b.ts', `import 'socket.io-client';`, 'web/src/transport/signaling-socket.ts'],
  ['web/src/transport/peer-link.ts', `import 'socket.io-client';`, 'wraps simple-peer'],
  ['web/src/transport/signaling-socket.ts', `import 'simple-peer';`, 'wraps socket.io-client'],
  ['web/src/wallet/a.ts', `import '@ciro/signaling/ledger/entry.ts';`, 'web runs in a browser and never imports signaling'],
  ['web/src/worker/a.ts', `import '../participant/join.ts';`, 'Send a message over the bridge'],
  ['web/src/participant/a.ts', `import '../app/main.tsx';`, 'does not know its faces'],
  ['web/src/participant/b.ts', `import '../engine/ort.ts';`, 'through web/src/worker'],
  ['web/src/app/a.ts', `import '../engine/ort.ts';`, 'Faces import web/src/participant only'],
  ['web/src/app/panels/b.ts', `import '../../transport/peer-link.ts';`, 'Faces import web/src/participant only'],
  ['web/src/app/c.ts', `import 'node:path';`, 'web runs in a browser'],

  ['contracts/build/a.ts', `import '@ciro/signaling/models/cache-folder.ts';`, 'contracts stands on @ciro/core alone'],
  ['contracts/build/b.ts', `import 'wasm-cairo';`, 'contracts/build/cairo-process.ts'],
  ['contracts/chain/a.ts', `import 'starknet';`, 'contracts/chain/{felts,starknet,account,sponsored}.ts'],
  ['contracts/chain/b.ts', `import 'fastify';`, 'servers and databases belong to signaling'],
  ['contracts/chain/starknet.ts', `import '../../tests/support/network.ts';`, 'contracts stands on @ciro/core alone'],
  ['signaling/src/cli/contracts.ts', `import 'wasm-cairo';`, 'Cairo is compiled by contracts/build'],
  ['signaling/src/ledger/b.ts', `import '@ciro/contracts/chain/deploy.ts';`, 'declare a port in your room'],

  ['signaling/src/main.ts', `import '@ciro/web/app/main.tsx';`, 'signaling never imports web'],
  ['signaling/src/cli/chain.ts', `import '@ciro/web/wallet/checked-paymaster.ts';`, 'signaling never imports web'],
  ['signaling/src/cli/chain-smoke.ts', `import '@ciro/web/wallet/vault.ts';`, 'only the wallet'],
  ['signaling/src/cli/start.ts', `import 'kysely';`, 'SQL stays in signaling/src/store'],
  ['signaling/src/edge/a.ts', `import '../store/ledger-store.ts';`, 'main.ts wires the store'],
  ['signaling/src/edge/b.ts', `import 'pg';`, 'SQL stays in signaling/src/store'],
  ['signaling/src/ledger/a.ts', `import '../store/ledger-store.ts';`, 'declare a port in your room'],
  ['signaling/src/settlement/a.ts', `import '../chain/commitment-store.ts';`, 'declare a port in your room'],
  ['signaling/src/settlement/b.ts', `import '../store/sql-settlement-store.ts';`, 'declare a port in your room'],
  ['signaling/src/relay/a.ts', `import '../edge/socket.ts';`, 'declare a port in your room'],
  ['signaling/src/intake/a.ts', `import 'fastify';`, 'stay in signaling/src/edge'],
  ['signaling/src/sessions/a.ts', `import 'socket.io';`, 'stay in signaling/src/edge'],
  ['signaling/src/audit/a.ts', `import '@electric-sql/pglite';`, 'SQL stays in signaling/src/store'],
  ['signaling/src/scheduler/a.ts', `import '@ciro/web/engine/ort.ts';`, 'signaling never imports web'],
  ['signaling/src/models/a.ts', `import 'onnxruntime-web/wasm';`, 'signaling/src/models/ort.ts'],
  ['signaling/src/store/a.ts', `import '../edge/http.ts';`, 'knows neither edge nor cli'],
];

/** Imports that the house wants, which therefore must pass. */
const ALLOWED: readonly (readonly [file: string, source: string])[] = [
  ['core/src/model/ok.ts', `import '@noble/hashes/sha2.js'; import 'valibot'; import '@scure/starknet'; import '@bufbuild/protobuf/wire'; import '../bytes.ts';`],
  ['core/src/model/ok.test.ts', `import 'node:fs'; import 'vitest'; import '../../../tests/support/gguf-writer.ts'; export const ok = Math.sin(1);`],
  ['core/src/numeric/ok.ts', `export const ok = Math.sqrt(2) + Math.floor(1.5) + Math.fround(0.1);`],
  ['web/src/engine/ort.ts', `import 'onnxruntime-web/webgpu';`],
  ['web/src/engine/ok.ts', `import './ort.ts'; import '@ciro/core/model/architecture.ts';`],
  ['web/src/worker/ok.ts', `import '../engine/stage.ts'; import '../pipeline/stage-loop.ts'; import '../shards/fetch-shard.ts';`],
  ['web/src/transport/peer-link.ts', `import 'simple-peer/simplepeer.min.js'; import './link-errors.ts';`],
  ['web/src/transport/signaling-socket.ts', `import 'socket.io-client'; import 'socket.io-msgpack-parser';`],
  ['web/src/participant/ok.ts', `import '../worker/bridge.ts'; import '../transport/peer-link.ts'; import '../shards/shard-index.ts';`],
  ['web/src/app/ok.ts', `import '../participant/join.ts'; import 'preact';`],
  ['signaling/src/store/ok.ts', `import 'kysely'; import 'pg'; import '@electric-sql/pglite'; import '../ledger/ledger-port.ts';`],
  ['signaling/src/chain/ok.ts', `import 'starknet'; import '../settlement/ports.ts';`],
  ['signaling/src/edge/ok.ts', `import 'fastify'; import 'socket.io'; import '../intake/quote.ts';`],
  ['signaling/src/models/ort.ts', `import 'onnxruntime-web/wasm'; import 'node:fs';`],
  ['contracts/build/cairo-worker.ts', `import 'wasm-cairo'; import 'node:fs';`],
  ['contracts/chain/starknet.ts', `import 'starknet'; import '@ciro/core/errors.ts'; import '../build/artefacts.ts';`],
  ['contracts/chain/ok.ts', `import 'node:child_process'; import 'valibot'; import './starknet.ts';`],
  ['signaling/src/cli/chain-smoke.ts', `import '@ciro/web/wallet/checked-paymaster.ts'; import '../open-settlement.ts';`],
  ['signaling/src/cli/ok.ts', `import '@ciro/contracts/chain/deploy.ts'; import '../models/cache-folder.ts';`],
  ['signaling/src/main.ts', `import './store/open-store.ts'; import './edge/serve.ts';`],
];

const Report = object({ diagnostics: array(object({ filename: string(), message: string(), help: string() })) });

const oxlint = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin', 'oxlint');
let forbidden: ReadonlyMap<string, string>;
let allowed: ReadonlyMap<string, string>;
const folders: string[] = [];

/** Lints one file a fixture under a copy of the house's configuration; gives everything said about each file. */
async function lint(fixtures: readonly (readonly [file: string, source: string, ...rest: string[]])[]): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'ciro-lint-'));
  folders.push(folder);
  await copyFile(join(CHECKOUT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [file, source] of fixtures) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${source}\n`);
  }
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, [oxlint, '--format', 'json'], { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  const said = new Map<string, string>();
  for (const { filename, message, help } of parse(Report, JSON.parse(printed)).diagnostics) {
    const file = filename.replaceAll('\\', '/');
    said.set(file, `${said.get(file) ?? ''}${message} ${help}\n`);
  }
  return said;
}

beforeAll(async () => {
  forbidden = await lint(FORBIDDEN);
  allowed = await lint(ALLOWED);
});

afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

it.each(FORBIDDEN)('the linter refuses in %s: %s', (file, _source, message) => {
  expect(forbidden.get(file) ?? 'nothing said').toContain(message);
});

it.each(ALLOWED)('the linter lets pass in %s: %s', (file) => {
  expect(allowed.get(file)).toBeUndefined();
});
