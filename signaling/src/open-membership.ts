import { ClusterError } from './cluster/cluster-error.ts';
import { Membership } from './cluster/membership.ts';
import { parsePublicUrl } from './edge/listen.ts';
import { systemClock } from './sessions/clock.ts';
import type { CoordinatorOptions } from './coordinator-options.ts';
import type { LeftBehind, MembershipDeps } from './cluster/membership.ts';
import type { JobRunner } from './scheduler/job-runner.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Store } from './store/open-store.ts';

/** Exit code of an instance that lost its place: whoever watches over the process starts it again. */
const LOST_EXIT_CODE = 75;

export interface MembershipParts {
  readonly store: Pick<Store, 'instances' | 'seat'>;
  readonly publicKey: string;
  readonly sessions: Pick<Sessions, 'size'>;
  readonly scheduler: Pick<JobRunner, 'status'>;
  readonly recover: (leftBehind: LeftBehind) => Promise<void>;
  readonly onLead: () => void;
  readonly onError: (error: unknown) => void;
}

/** This coordinator among others, when it is one of several; not started yet. Throws ClusterError, AddressError. */
export async function openMembership({ instanceUrl, onLost }: Pick<CoordinatorOptions, 'instanceUrl' | 'onLost'>, parts: MembershipParts): Promise<Membership | undefined> {
  if (instanceUrl === undefined) return undefined;
  const { store, sessions, scheduler, publicKey } = parts;
  if (store.seat === undefined) throw new ClusterError('no-database', 'several coordinators share one PostgreSQL database; give DATABASE_URL, or leave CIRO_INSTANCE_URL out', { fault: 'user' });
  const load: MembershipDeps['load'] = () => {
    const { rings, missing, running, queued } = scheduler.status();
    return { workers: sessions.size, missing, rings: rings.filter(({ ready }) => ready).length, jobs: running + queued };
  };
  const ends = (error: Error): void => {
    parts.onError(error);
    (onLost ?? (() => process.exit(LOST_EXIT_CODE)))(error);
  };
  const url = parsePublicUrl(instanceUrl, 'CIRO_INSTANCE_URL').href.replace(/\/+$/, '');
  return Membership.enter({ store: store.instances, seat: store.seat, clock: systemClock, load, recover: parts.recover, onLead: parts.onLead, onLost: ends, onError: parts.onError }, { url, publicKey });
}
