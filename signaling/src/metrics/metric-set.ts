import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ANSWER_BUCKETS, AUDIT_BUCKETS, DECISION_BUCKETS, FIRST_TOKEN_BUCKETS, RATE_BUCKETS, REQUEST_BUCKETS, SETTLEMENT_BUCKETS, SETUP_BUCKETS } from './objectives.ts';

/**
 * Every metric of a coordinator, in a registry of its own: two coordinators in one process share nothing. Labels have a value of a fixed
 * list each (SPEC O1); times are in seconds, amounts in credits.
 */
export function metricSet() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) => new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) => new Gauge<Label>({ name, help, labelNames, registers });
  const histogram = <Label extends string = never>(name: string, help: string, buckets: readonly number[], labelNames: readonly Label[] = []) => new Histogram<Label>({ name, help, labelNames, buckets: [...buckets], registers });
  return {
    registry,
    requests: counter('ciro_http_requests_total', 'HTTP requests that were answered, by route and class of status', ['route', 'method', 'status']),
    requestSeconds: histogram('ciro_http_request_seconds', 'Time until an HTTP answer was whole; a stream lasts as long as its answer', REQUEST_BUCKETS, ['route']),

    jobs: counter('ciro_jobs_total', 'Jobs that ended, by how', ['outcome']),
    failures: counter('ciro_job_failures_total', 'Jobs that ended without an answer, by code', ['code']),
    waitSeconds: histogram('ciro_job_wait_seconds', 'Time that a job waited for its turn', SETUP_BUCKETS),
    setupSeconds: histogram('ciro_job_setup_seconds', 'Time from an order to all of its stages prepared, the wait included', SETUP_BUCKETS),
    decisionSeconds: histogram('ciro_decision_seconds', 'Time of one decision of the scheduler', DECISION_BUCKETS, ['what']),
    firstTokenSeconds: histogram('ciro_first_token_seconds', 'Time from an order to its first token', FIRST_TOKEN_BUCKETS),
    answerSeconds: histogram('ciro_answer_seconds', 'Time from an order to its last token, of jobs that ended as asked', ANSWER_BUCKETS, ['length']),
    tokenRate: histogram('ciro_tokens_per_second', 'Generated tokens a second of one job, after its first', RATE_BUCKETS),
    tokens: counter('ciro_tokens_total', 'Tokens of recorded jobs', ['kind']),

    auditSeconds: histogram('ciro_audit_seconds', 'Time from the record of a job until all its stages were decided', AUDIT_BUCKETS),
    auditedStages: counter('ciro_audited_stages_total', 'Stages that were decided, by what became of them', ['outcome']),
    corrections: counter('ciro_corrections_total', 'Answers that did not stand their audits, by what became of them', ['outcome']),

    credits: counter('ciro_worker_credits_total', 'Credits of workers, by the state that they came to', ['status']),
    pool: gauge('ciro_pool_credits', 'Credits that are left in the community pool'),
    fees: gauge('ciro_fee_credits', 'Credits that the fee account holds'),
    settlementEvents: counter('ciro_settlement_events_total', 'What settlement did, by kind', ['event']),
    settledCredits: counter('ciro_settled_credits_total', 'Credits that were paid on the chain and booked'),
    settlementSeconds: histogram('ciro_settlement_seconds', 'Time from the close of the newest claimable epoch to a payment that was booked', SETTLEMENT_BUCKETS),

    joins: counter('ciro_worker_joins_total', 'Workers that measured themselves and can be placed; again when they measure anew'),
    departures: counter('ciro_worker_departures_total', 'Workers that take no more work', ['returns']),
    connections: gauge('ciro_connections', 'Open control sockets, greeted or not'),
    workers: gauge('ciro_workers', 'Workers by what they do', ['state']),
    missing: gauge('ciro_workers_missing', 'Tabs that must still join before the default model can be placed'),
    rings: gauge('ciro_rings', 'Rings by whether they can answer', ['ready']),
    running: gauge('ciro_jobs_running', 'Jobs that run'),
    queued: gauge('ciro_jobs_queued', 'Jobs that wait for a ring'),
    links: gauge('ciro_links', 'Links between stages that are open, by route', ['route']),
    linkSeconds: gauge('ciro_link_round_trip_seconds', 'Mean round trip of open links, by route', ['route']),
    ready: gauge('ciro_ready', 'Whether a part of /ready is content', ['check']),
    errors: counter('ciro_background_errors_total', 'Errors outside of a request, by where', ['about']),

    memory: gauge('process_resident_memory_bytes', 'Resident memory of the coordinator'),
    heap: gauge('nodejs_heap_used_bytes', 'Heap of the coordinator that is in use'),
    processor: counter('process_cpu_seconds_total', 'Processor time of the coordinator, user and system'),
    started: gauge('process_start_time_seconds', 'When the coordinator started, Unix seconds'),
    loopBusy: gauge('ciro_event_loop_busy_ratio', 'Share of the time since the last scrape in which the event loop was busy'),
  };
}

export type MetricSet = ReturnType<typeof metricSet>;
