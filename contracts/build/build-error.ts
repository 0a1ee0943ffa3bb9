import { CiroError } from '@ciro/core/errors.ts';

/** What can be wrong on the way from Cairo sources to committed artefacts. */
export class BuildError extends CiroError<
  | 'unknown-module'
  | 'module-cycle'
  | 'several-contracts'
  | 'does-not-compile'
  | 'compiler-died'
  | 'bad-sierra'
  | 'bad-lock'
  | 'stale-artefacts'
  | 'no-class-hash'
  | 'no-corelib'
  | 'no-runner'
  | 'bad-record'
> {}
