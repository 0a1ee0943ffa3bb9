import { createHmac } from 'node:crypto';
import { CiroError } from '@ciro/core/errors.ts';
import { MAX_ICE_SERVERS } from '@ciro/core/protocol/limits.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { Clock } from '../sessions/clock.ts';

export type IceServer = Extract<CoordinatorMessage, { type: 'connect' }>['iceServers'][number];

export class IceError extends CiroError<'bad-ice-url' | 'no-turn-secret' | 'too-many-servers'> {}

/**
 * How long credentials for TURN open new routes. Each link is given fresh ones, and a route that is open stays open past it, so this
 * only has to outlast the opening of a link; an hour leaves room for clocks that differ, and ends what was copied out of a tab.
 */
export const TURN_LIFETIME_S = 3_600;

/** STUN and TURN servers that an operator runs, and the secret that it shares with the TURN servers (coturn: `static-auth-secret`). */
export interface IceOptions {
  readonly stun?: readonly string[];
  readonly turn?: readonly string[];
  readonly turnSecret?: string;
}

/** Settings of the environment: addresses separated by spaces or commas. Undefined where there are none. */
export function iceOptionsOf({ CIRO_STUN_URLS: stun = '', CIRO_TURN_URLS: turn = '', CIRO_TURN_SECRET: turnSecret = '' }: NodeJS.ProcessEnv): IceOptions | undefined {
  const list = (text: string): readonly string[] => text.split(/[\s,]+/).filter((url) => url !== '');
  return `${stun}${turn}${turnSecret}` === '' ? undefined : { stun: list(stun), turn: list(turn), turnSecret };
}

const STUN_URL = /^stuns?:[^\s/?]+$/;
const TURN_URL = /^turns?:[^\s/?]+(\?transport=(udp|tcp))?$/;

/** The servers that tabs open links with. Makes credentials for TURN by the REST convention (SPEC L2); keeps none. */
export class IceServers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #stun: readonly string[];
  readonly #turn: readonly string[];
  readonly #secret: string;

  /** Throws IceError for what is no address, for TURN without a secret, and for more servers than a message holds. */
  constructor(clock: Pick<Clock, 'now'>, { stun = [], turn = [], turnSecret = '' }: IceOptions) {
    for (const [urls, pattern, example] of [[stun, STUN_URL, 'stun:stun.example.org:3478'], [turn, TURN_URL, 'turn:turn.example.org:3478?transport=udp']] as const) {
      const bad = urls.find((url) => url.length > 200 || !pattern.test(url));
      if (bad !== undefined) throw new IceError('bad-ice-url', `${JSON.stringify(bad)} is no address of such a server; give one like ${example}`, { fault: 'user' });
    }
    if (turn.length > 0 && turnSecret === '') throw new IceError('no-turn-secret', 'a TURN server needs the secret that it makes credentials from; give CIRO_TURN_SECRET, the static-auth-secret of coturn', { fault: 'user' });
    if (stun.length + turn.length > MAX_ICE_SERVERS) throw new IceError('too-many-servers', `${stun.length + turn.length} STUN and TURN servers; a link is opened with at most ${MAX_ICE_SERVERS}`, { fault: 'user' });
    this.#clock = clock;
    this.#stun = stun;
    this.#turn = turn;
    this.#secret = turnSecret;
  }

  get hasTurn(): boolean {
    return this.#turn.length > 0;
  }

  /** Servers that tell a tab its own address, and carry nothing. */
  stunOnly(): IceServer[] {
    return this.#stun.map((urls) => ({ urls }));
  }

  /** All servers, with credentials that are this worker's and good for TURN_LIFETIME_S from now. */
  for(nodeId: NodeId): IceServer[] {
    const username = `${Math.floor(this.#clock.now() / 1000) + TURN_LIFETIME_S}:${nodeId}`;
    const credential = createHmac('sha1', this.#secret).update(username).digest('base64');
    return [...this.#stun.map((urls) => ({ urls })), ...this.#turn.map((urls) => ({ urls, username, credential }))];
  }
}
