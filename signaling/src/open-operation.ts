import { Readiness } from './metrics/readiness.ts';
import { Scrape } from './metrics/scrape.ts';
import { MAX_QUEUED_JOBS } from './scheduler/scheduler-limits.ts';
import { systemClock } from './sessions/clock.ts';
import type { OperationView } from './edge/operation-routes.ts';
import type { Intake } from './intake/intake.ts';
import type { CoordinatorMetrics } from './metrics/coordinator-metrics.ts';
import type { JobRunner } from './scheduler/job-runner.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Store } from './store/open-store.ts';

export interface OperationParts {
  readonly metrics: CoordinatorMetrics;
  readonly store: Pick<Store, 'ledger'>;
  readonly scheduler: Pick<JobRunner, 'status'>;
  readonly sessions: Pick<Sessions, 'size'>;
  readonly intake: Pick<Intake, 'draining'>;
  readonly models: () => readonly string[];
}

/** What `/ready` and `/metrics` show of a coordinator. */
export function openOperation({ metrics, store, scheduler, sessions, intake, models }: OperationParts): OperationView {
  const status = () => scheduler.status();
  const readiness = new Readiness({ clock: systemClock, askStore: () => store.ledger.end(), models, draining: () => intake.draining, status, maxQueued: MAX_QUEUED_JOBS });
  return {
    checks: () => readiness.checks(),
    metrics: new Scrape(metrics, { status, connections: () => sessions.size, readiness, balances: (accounts) => store.ledger.balances(accounts) }),
  };
}
