import type { Clock } from '../sessions/clock.ts';

/** One step of a job. Times in epoch milliseconds. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Code of the error that it ended with. */
  readonly error?: string;
}

export interface OtlpOptions {
  /** Base address of a collector, e.g. `http://localhost:4318` (`OTEL_EXPORTER_OTLP_ENDPOINT`). */
  readonly endpoint: string;
  /** Sent along, `name=value` separated by commas (`OTEL_EXPORTER_OTLP_HEADERS`). */
  readonly headers?: string;
}

export interface OtlpDeps {
  readonly clock: Clock;
  /** Told once of a collector that does not take spans, and again when it did in between. */
  readonly onError: (error: unknown) => void;
  readonly fetch?: typeof globalThis.fetch;
}

/** Spans wait so long for others… */
const FLUSH_MS = 5_000;
/** …or until so many are there. */
const BATCH_SPANS = 512;
/** Spans kept for a collector that is slow: of more the newest are dropped. */
export const MAX_WAITING_SPANS = 4_096;
const POST_TIMEOUT_MS = 5_000;

/** Sends spans to a collector by OTLP over HTTP, in its JSON form. Never waits, never throws: a collector that is gone costs its spans and nothing else. */
export class OtlpExporter {
  readonly #deps: OtlpDeps;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #waiting: Span[] = [];
  #sending: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;
  #told = false;
  #closed = false;

  constructor({ endpoint, headers }: OtlpOptions, deps: OtlpDeps) {
    this.#deps = deps;
    this.#url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    const given = (headers ?? '').split(',').flatMap((pair): [string, string][] => {
      const [name = '', ...value] = pair.split('=');
      return name.trim() === '' || value.length === 0 ? [] : [[name.trim(), decodeURIComponent(value.join('=').trim())]];
    });
    this.#headers = { 'content-type': 'application/json', ...Object.fromEntries(given) };
  }

  add(span: Span): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING_SPANS) return;
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH_SPANS) this.#flush();
    else this.#cancel ??= this.#deps.clock.after(FLUSH_MS, () => this.#flush());
  }

  /** Sends what waits, and nothing after. */
  close(): Promise<void> {
    this.#flush();
    this.#closed = true;
    return this.#sending;
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sending = this.#sending.then(() => this.#send());
  }

  async #send(): Promise<void> {
    const spans = this.#waiting.splice(0, BATCH_SPANS);
    if (spans.length === 0) return;
    try {
      const response = await (this.#deps.fetch ?? fetch)(this.#url, { method: 'POST', headers: this.#headers, body: JSON.stringify(requestOf(spans)), signal: AbortSignal.timeout(POST_TIMEOUT_MS) });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
      this.#told = false;
    } catch (cause) {
      if (!this.#told) this.#deps.onError(new Error('traces were not taken by their collector and are lost; look at OTEL_EXPORTER_OTLP_ENDPOINT', { cause }));
      this.#told = true;
    }
    if (this.#waiting.length > 0) this.#flush();
  }
}

function requestOf(spans: readonly Span[]): object {
  const list = (attributes: Span['attributes']) => Object.entries(attributes).map(([key, value]) => ({ key, value: typeof value === 'number' ? { doubleValue: value } : { stringValue: value } }));
  return {
    resourceSpans: [
      {
        resource: { attributes: list({ 'service.name': 'ciro-coordinator' }) },
        scopeSpans: [
          {
            scope: { name: 'ciro' },
            spans: spans.map(({ traceId, spanId, parentId, name, from, to, attributes, error }) => ({
              ...{ traceId, spanId, name, kind: 1, startTimeUnixNano: nanoseconds(from), endTimeUnixNano: nanoseconds(to), attributes: list(attributes) },
              ...(parentId === undefined ? {} : { parentSpanId: parentId }),
              status: error === undefined ? { code: 1 } : { code: 2, message: error },
            })),
          },
        ],
      },
    ],
  };
}

/** As decimal text: JSON has no integers of 64 bits. */
const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms * 1_000)) * 1_000n);
