import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { modulesNamedIn } from './cairo-source.ts';

/** Folder of the Cairo sources: one module a file. */
export const SOURCE_FOLDER = join(import.meta.dirname, '..', 'src');

/** All modules of ours by name: what stands in `<name>.cairo`. */
export type Sources = ReadonlyMap<string, string>;

/** One string for the compiler, which takes one: a module with everything of ours that it refers to. */
export interface Bundle {
  readonly name: string;
  /** In dependency order, the module itself last. */
  readonly modules: readonly string[];
  readonly source: string;
  /** SHA-256 of the source, lower-case hex. */
  readonly sha256: string;
}

export function readSources(folder: string = SOURCE_FOLDER): Sources {
  const files = readdirSync(folder).filter((file) => file.endsWith('.cairo')).sort();
  return new Map(files.map((file) => [file.slice(0, -'.cairo'.length), readFileSync(join(folder, file), 'utf8')]));
}

/**
 * Bundles `name` with its closure: each file wrapped as `pub mod <name> { … }`, so that `crate::<name>::…` means what it meant.
 * Nothing inside a file is changed or indented, so the compiler's line and column are the file's, but for an offset.
 * @throws BuildError `unknown-module`, `module-cycle`
 */
export function bundle(name: string, sources: Sources): Bundle {
  const modules: string[] = [];
  const visit = (module: string, path: readonly string[]): void => {
    if (modules.includes(module)) return;
    if (path.includes(module)) {
      const cycle = [...path.slice(path.indexOf(module)), module].join(' → ');
      throw new BuildError('module-cycle', `The modules ${cycle} refer to each other. Move what both need into a third one, as ${module}_interface.cairo.`, { fault: 'user', fields: { cycle } });
    }
    const source = sources.get(module);
    if (source === undefined) {
      const by = path.at(-1);
      throw new BuildError('unknown-module', `${by === undefined ? 'There is no' : `${by}.cairo names crate::${module}, but there is no`} contracts/src/${module}.cairo.`, { fault: 'user', fields: { module, by } });
    }
    for (const needed of modulesNamedIn(source)) if (needed !== module) visit(needed, [...path, module]);
    modules.push(module);
  };
  visit(name, []);
  const source = modules.map((module) => `pub mod ${module} {\n${withNewline(sources.get(module) ?? '')}}\n`).join('');
  return { name, modules, source, sha256: createHash('sha256').update(source).digest('hex') };
}

/** Where line `line` (from 1) of a bundle comes from; undefined for the lines that the bundler wrote. */
export function originOf({ modules }: Bundle, sources: Sources, line: number): { readonly module: string; readonly line: number } | undefined {
  let before = 0;
  for (const module of modules) {
    const length = withNewline(sources.get(module) ?? '').split('\n').length - 1;
    if (line > before + 1 && line <= before + 1 + length) return { module, line: line - before - 1 };
    before += length + 2;
  }
  return undefined;
}

const withNewline = (source: string): string => (source.endsWith('\n') ? source : `${source}\n`);
