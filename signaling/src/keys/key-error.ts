import { CiroError } from '@ciro/core/errors.ts';

export class KeyError extends CiroError<'bad-key'> {}
