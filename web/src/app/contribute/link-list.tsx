import { formatDuration, formatShare, shortId } from '../figures.ts';
import type { ParticipantView } from '../../participant/participant-view.ts';

const ROUTES = { direct: 'direct', turn: 'over TURN', relay: 'through the coordinator', unknown: 'route not told' } as const;

/** The tabs that this one exchanges activations with, and how. */
export function LinkList({ links, expected }: { links: ParticipantView['links']; expected: boolean }) {
  if (links.length === 0) return expected ? <p class="aside">No neighbours: this tab holds every layer, or the others are still loading.</p> : null;
  return (
    <section class="links">
      <h3>Neighbours</h3>
      <ul>
        {links.map(({ peer, state, route, rttMs, loss }) => (
          <li key={peer}>
            <span class={`dot ${state === 'open' ? 'dot-good' : 'dot-working'}`} aria-hidden="true" />
            <span class="figures">{shortId(peer)}</span>
            <span>{state === 'open' ? ROUTES[route] : 'opening'}</span>
            {state === 'open' && rttMs > 0 && <span class="figures link-rtt">{formatDuration(rttMs)}</span>}
            {state === 'open' && loss !== undefined && (
              <span class="figures" title="Connection checks of the last minute that got no answer">
                {formatShare(loss)} lost
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
