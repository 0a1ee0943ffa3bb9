import type { LinkSignal } from './link-signal.ts';

/** Type of an ICE candidate line (RFC 8839 5.1). */
const RELAYED = /\styp relay(\s|$)/;
/** Where a relayed candidate says behind which address its owner is. */
const RELATED = /\sraddr \S+ rport \d+/;

/**
 * What of a signal may leave a tab that hides its address (SPEC L5): candidates of a TURN server, without the address that the server
 * sees; and descriptions without any other candidate or address. Undefined for a candidate that tells where the tab is.
 */
export function hideAddresses(signal: LinkSignal): LinkSignal | undefined {
  if (signal.type === 'candidate') {
    const { candidate } = signal.candidate;
    // The end of candidates is an empty line, and tells nothing.
    if (candidate === '') return signal;
    return RELAYED.test(candidate) ? { ...signal, candidate: { ...signal.candidate, candidate: withoutRelated(candidate) } } : undefined;
  }
  const lines = signal.sdp.split('\r\n').flatMap((line) => {
    if (line.startsWith('a=candidate:')) return RELAYED.test(line) ? [withoutRelated(line)] : [];
    if (line.startsWith('c=IN IP')) return ['c=IN IP4 0.0.0.0'];
    if (line.startsWith('o=')) return [line.replace(/ IN IP[46] \S+$/, ' IN IP4 127.0.0.1')];
    if (line.startsWith('a=rtcp:')) return [];
    return [line];
  });
  return { ...signal, sdp: lines.join('\r\n') };
}

const withoutRelated = (line: string): string => line.replace(RELATED, ' raddr 0.0.0.0 rport 0');
