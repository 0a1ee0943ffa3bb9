import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRunner, obtainRunner, runnerVersion } from './find-runner.ts';

/** Builds nothing: notes what it is called with, and leaves a file where the real one would leave the program. */
const CARGO = `#!/bin/sh
echo "$1 target=$CARGO_BUILD_TARGET dir=$CARGO_TARGET_DIR" >> "$NOTES"
case "$1" in
  metadata) echo "{\\"packages\\":[{\\"name\\":\\"cairo-lang-runner\\",\\"manifest_path\\":\\"$CRATES/a/Cargo.toml\\"},{\\"name\\":\\"cairo-vm\\",\\"manifest_path\\":\\"$CRATES/b/Cargo.toml\\"}]}" ;;
  build)
    while [ "$1" != --target-dir ]; do shift; done
    mkdir -p "$2/release"; printf '#!/bin/sh\\n' > "$2/release/ciro-cairo-tests"; chmod +x "$2/release/ciro-cairo-tests"
    echo "   Compiling something" >&2 ;;
esac
`;
const silent = { report: () => undefined };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-runner-'));
  for (const name of ['bin', 'crates/a', 'crates/b', 'none']) await mkdir(join(folder, name), { recursive: true });
  for (const name of ['a', 'b']) await writeFile(join(folder, 'crates', name, 'Cargo.toml'), '');
  for (const [name, text] of [['cargo', CARGO], ['git', '#!/bin/sh\n']] as const) {
    await writeFile(join(folder, 'bin', name), text);
    await chmod(join(folder, 'bin', name), 0o755);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a runner is built once: the program is taken from the folder that cargo was told, whatever target the environment names', async () => {
  const cacheFolder = join(folder, 'cache');
  const notes = join(folder, 'notes');
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, NOTES: notes, CRATES: join(folder, 'crates'), CARGO_BUILD_TARGET: 'wasm32-unknown-unknown', CARGO_TARGET_DIR: join(folder, 'elsewhere') };
  expect(await findRunner({ env, cacheFolder, ...silent })).toBeUndefined();
  const built = await obtainRunner({ env, cacheFolder, ...silent });
  expect(built.binary).toBe(join(cacheFolder, 'cairo-runner', runnerVersion(), 'ciro-cairo-tests'));
  expect(await readFile(join(built.corelib, 'lib.cairo'), 'utf8')).toContain('mod');
  expect(await obtainRunner({ env, cacheFolder, ...silent })).toEqual(built);
  expect((await readFile(notes, 'utf8')).trim().split('\n')).toEqual(['fetch', 'metadata', 'build'].map((what) => `${what} target= dir=`));
});

it('without cargo, and with a name that is no program, it says what to do', async () => {
  const cacheFolder = join(folder, 'empty');
  await expect(obtainRunner({ env: { PATH: '', CARGO_HOME: join(folder, 'none') }, cacheFolder, ...silent })).rejects.toMatchObject({ code: 'no-runner', message: expect.stringContaining('cargo is not on PATH') });
  await expect(findRunner({ env: { CIRO_CAIRO_RUNNER: join(folder, 'missing') }, cacheFolder, ...silent })).rejects.toMatchObject({ code: 'no-runner', message: expect.stringContaining('missing') });
});

it('another source of the runner is another version', async () => {
  const copy = join(folder, 'runner');
  await cp(join(import.meta.dirname, '..', 'runner'), copy, { recursive: true });
  expect(runnerVersion(copy)).toBe(runnerVersion());
  await writeFile(join(copy, 'patches', 'cairo-vm.patch'), 'another');
  expect(runnerVersion(copy)).not.toBe(runnerVersion());
});
