import { JobTraces } from './job-traces.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import type { Clock } from '../sessions/clock.ts';
import type { OtlpOptions } from './otlp-exporter.ts';

/** Traces that go to a collector, until they are closed. Only loaded where an operator wants them. */
export function openTraces(options: OtlpOptions, deps: { readonly clock: Clock; readonly onError: (error: unknown) => void }): { readonly jobs: JobTraces; close(): Promise<void> } {
  const exporter = new OtlpExporter(options, deps);
  return { jobs: new JobTraces(deps.clock, (span) => exporter.add(span)), close: () => exporter.close() };
}
