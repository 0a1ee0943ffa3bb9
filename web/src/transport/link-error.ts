import { CiroError } from '@ciro/core/errors.ts';

/**
 * Why a link to a neighbour ended or could not begin.
 * `open-timeout`, `ice-failed`: no route. `silent`: no word for too long. `bad-slice`, `bad-signal`: the neighbour sent
 * what nobody may send; `bad-relay`: through the coordinator. `queue-full`: it takes data more slowly than we make it. `frame-too-large`: ours, a bug.
 */
export class LinkError extends CiroError<
  'open-timeout' | 'ice-failed' | 'silent' | 'bad-slice' | 'bad-signal' | 'bad-relay' | 'queue-full' | 'frame-too-large' | 'channel-failed'
> {}
