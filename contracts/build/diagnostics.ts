import { BuildError } from './build-error.ts';
import { originOf } from './bundle.ts';
import type { Bundle, Sources } from './bundle.ts';
import type { CairoReply } from './cairo-process.ts';
import type { RawDiagnostic } from './memory-text.ts';

type NotCompiled = Extract<CairoReply, { kind: 'not-compiled' }>;

/** `contracts/src/store.cairo:12:5: message` with the line it is about; a place that the bundler wrote is given as the bundle's. */
export function describeDiagnostic({ message, line, column }: RawDiagnostic, made: Bundle, sources: Sources): string {
  const origin = originOf(made, sources, line);
  const place = origin === undefined ? `the bundle of ${made.name}:${line}:${column}` : `contracts/src/${origin.module}.cairo:${origin.line}:${column}`;
  const text = made.source.split('\n')[line - 1] ?? '';
  return `${place}: ${message}\n    ${text.trim()}`;
}

/** The error of a bundle that does not compile, with everything that the compiler said. */
export function notCompiled({ diagnostics, printed }: NotCompiled, made: Bundle, sources: Sources): BuildError {
  const lines = diagnostics.map((diagnostic) => describeDiagnostic(diagnostic, made, sources));
  const said = lines.length > 0 ? lines.join('\n') : `The compiler said only: ${printed.trim()}`;
  return new BuildError('does-not-compile', `${made.name} (${made.modules.join(', ')}) does not compile.\n${said}`, { fault: 'user', fields: { name: made.name, diagnostics } });
}
