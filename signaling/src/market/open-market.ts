import { DEMAND_BOOK, FIXED_BOOK } from '@ciro/core/pricing/price-book.ts';
import { MAX_RUNNING_JOBS } from '../scheduler/scheduler-limits.ts';
import { Market } from './market.ts';
import type { SchedulerStatus } from '../scheduler/job-runner.ts';

export const PRICING_POLICIES = ['fixed', 'demand'] as const;
/** `fixed`: prices of the launch. `demand`: moved by load and hour. */
export type PricingPolicy = (typeof PRICING_POLICIES)[number];

/** The market over what the scheduler has to do. `maxRunning`: jobs at a time over one ring. */
export function openMarket(policy: PricingPolicy = 'fixed', { status, now, maxRunning = MAX_RUNNING_JOBS }: { readonly status: () => Pick<SchedulerStatus, 'rings' | 'running' | 'queued'>; readonly now: () => number; readonly maxRunning?: number | undefined }): Market {
  const load = () => {
    const { rings, running, queued } = status();
    return { places: rings.filter(({ ready }) => ready).length * maxRunning, running, queued };
  };
  return new Market({ book: policy === 'demand' ? DEMAND_BOOK : FIXED_BOOK, load, now });
}
