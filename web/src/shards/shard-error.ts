import { CiroError } from '@ciro/core/errors.ts';

/**
 * A shard or manifest that could not be had. `wrong-hash`, `wrong-length` and `wrong-model`: the source gave other bytes than
 * the name stands for; `unreachable` and `http-status`: it gave none; `aborted`: nobody wants it any more.
 */
export class ShardError extends CiroError<'unreachable' | 'http-status' | 'wrong-length' | 'wrong-hash' | 'wrong-model' | 'too-large' | 'aborted'> {}
