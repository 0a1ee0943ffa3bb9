import { FrameRelay } from './frame-relay.ts';
import { Relay } from './relay.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { IceServers } from './ice-servers.ts';

/** Introductions and relayed frames between the tabs of `sessions`. */
export function openRelay(clock: Clock, sessions: Pick<Sessions, 'send' | 'offend' | 'observe' | 'hidesAddress'>, iceServers: IceServers): Relay {
  const send: Sessions['send'] = (node, message) => sessions.send(node, message);
  const frames = new FrameRelay({ clock, send, offend: (...offence) => sessions.offend(...offence) });
  sessions.observe({ relayed: (node, message) => frames.handle(node, message) });
  return new Relay({ send, hidesAddress: (node) => sessions.hidesAddress(node), iceServers, frames });
}
