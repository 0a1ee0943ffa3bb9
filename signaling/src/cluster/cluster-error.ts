import { CiroError } from '@ciro/core/errors.ts';

/** Why a process is no instance of a network, or not any more. */
export class ClusterError extends CiroError<'other-network' | 'alone' | 'no-database' | 'lost'> {}
