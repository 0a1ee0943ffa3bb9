import type { LineRates, Measured, Scores } from '@ciro/core/protocol/measured.ts';
import type { LayerTimes } from '../worker/compute-api.ts';

/** A tab that had nothing to do for this long is idle: loads and jobs come in quick succession. */
export const IDLE_AFTER_MS = 2_000;
/** Measured again after so long: other programs, heat and lines change over a day. */
export const REMEASURE_AFTER_MS = 6 * 60 * 60_000;
/** And not sooner than so long after the last time, whatever happens: a page that is hidden and shown all the time would do nothing else. */
export const REMEASURE_LEAST_MS = 10 * 60_000;
/** What had to make way, or failed, is tried again so much later. */
export const RETRY_MS = 60_000;
/** Real times this many times the measured ones, or as small a part of them, say that the measurement holds no more. */
export const DEPARTED_FACTOR = 2;
/** A figure of the line that differs by this much from the one that was told is told again. */
const NEWS_FACTOR = 1.25;

/** What is known of this device beside its profile. */
export interface FreshFigures {
  readonly line: LineRates;
  readonly scores: Scores | undefined;
}

export interface FreshPorts {
  /** Undefined when a measurement had to make way. */
  scores(): Promise<Scores | undefined>;
  layers(): Promise<LayerTimes | undefined>;
  probeLine(want: { readonly down: boolean }): Promise<LineRates>;
  /** The line is paid by the byte: it is not probed. */
  metered(): boolean;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** False when nobody is connected. */
  send(message: Measured): boolean;
  /** The layers were timed again. */
  timed(times: LayerTimes): void;
  show(figures: FreshFigures): void;
}

const KINDS = ['line', 'scores', 'layers'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Keeps what is told of this device fresh (SPEC W7): line, scores and layer times are measured when nothing else needs the device, one after the other, and again
 * after the engine was restarted, the page was hidden or shown, the power changed, real times departed from measured ones, or some hours. Keeps no timer: `look` is called now and then.
 */
export class FreshProfile {
  readonly #ports: FreshPorts;
  #figures: FreshFigures = { line: { downBytesPerMs: null, upBytesPerMs: null }, scores: undefined };
  #toldLine: LineRates | undefined;
  /** When fetches showed the way down for the last time. */
  #fetchedAt: number | undefined;
  #idleSince: number | undefined;
  readonly #measuredAt = new Map<Kind, number>();
  readonly #dueAt: Record<Kind, number>;
  /** What is being measured; what was asked of an engine that was ended never answers. */
  #running: object | undefined;

  constructor(ports: FreshPorts) {
    this.#ports = ports;
    const now = ports.now();
    // Layers were timed at joining.
    this.#measuredAt.set('layers', now);
    this.#dueAt = { line: now, scores: now, layers: now + REMEASURE_AFTER_MS };
  }

  /** Connected, perhaps again: what is known is told. */
  joined(): void {
    const { scores } = this.#figures;
    this.#toldLine = undefined;
    if (scores !== undefined) this.#ports.send({ type: 'measured', scores });
    this.#tellLine();
  }

  /** The engine was ended and started again. */
  restarted(): void {
    this.#running = undefined;
    this.#idleSince = undefined;
    this.#due('scores');
    this.#due('layers');
  }

  /** The page was hidden or shown, or the power changed. */
  changed(): void {
    for (const kind of KINDS) this.#due(kind);
  }

  /** A job took `realMs` a position for what takes `measuredMs` by the profile. */
  served(realMs: number, measuredMs: number): void {
    if (realMs <= 0 || measuredMs <= 0) return;
    const factor = realMs / measuredMs;
    if (factor >= DEPARTED_FACTOR || factor <= 1 / DEPARTED_FACTOR) this.#due('layers');
  }

  /** Weights came at this rate. */
  fetched(bytesPerMs: number): void {
    this.#fetchedAt = this.#ports.now();
    this.#keepLine({ ...this.#figures.line, downBytesPerMs: bytesPerMs });
  }

  /** Measures what is due when the tab has been idle for a while. */
  look(idle: boolean): void {
    const now = this.#ports.now();
    if (!idle) {
      this.#idleSince = undefined;
      return;
    }
    this.#idleSince ??= now;
    if (this.#running !== undefined || now - this.#idleSince < IDLE_AFTER_MS) return;
    const kind = KINDS.find((each) => now >= this.#dueAt[each]);
    if (kind !== undefined) void this.#measure(kind);
  }

  #due(kind: Kind): void {
    const now = this.#ports.now();
    const soonest = Math.max(now, (this.#measuredAt.get(kind) ?? Number.NEGATIVE_INFINITY) + REMEASURE_LEAST_MS);
    this.#dueAt[kind] = Math.min(this.#dueAt[kind], soonest);
  }

  async #measure(kind: Kind): Promise<void> {
    const running = {};
    this.#running = running;
    const done = await this.#take(kind, () => this.#running === running).catch(() => false);
    // Its engine was ended meanwhile, and it is due again already.
    if (this.#running !== running) return;
    this.#running = undefined;
    const now = this.#ports.now();
    if (done) this.#measuredAt.set(kind, now);
    this.#dueAt[kind] = now + (done ? REMEASURE_AFTER_MS : RETRY_MS);
  }

  /** False when nothing was measured. */
  async #take(kind: Kind, isMeant: () => boolean): Promise<boolean> {
    switch (kind) {
      case 'line': {
        if (this.#ports.metered()) return false;
        const now = this.#ports.now();
        const down = this.#fetchedAt === undefined || now - this.#fetchedAt >= REMEASURE_AFTER_MS;
        const rates = await this.#ports.probeLine({ down });
        const { line } = this.#figures;
        if (isMeant()) this.#keepLine({ downBytesPerMs: rates.downBytesPerMs ?? line.downBytesPerMs, upBytesPerMs: rates.upBytesPerMs ?? line.upBytesPerMs });
        return rates.upBytesPerMs !== null;
      }
      case 'scores': {
        const scores = await this.#ports.scores();
        if (scores === undefined || !isMeant()) return false;
        this.#figures = { ...this.#figures, scores };
        this.#ports.show(this.#figures);
        this.#ports.send({ type: 'measured', scores });
        return true;
      }
      case 'layers': {
        const times = await this.#ports.layers();
        if (times === undefined || !isMeant()) return false;
        this.#ports.timed(times);
        return true;
      }
    }
  }

  #keepLine(line: LineRates): void {
    this.#figures = { ...this.#figures, line };
    this.#ports.show(this.#figures);
    this.#tellLine();
  }

  /** Tells the line when it is another one than was told; what is not sent now is sent at the next connection. */
  #tellLine(): void {
    const { line } = this.#figures;
    if (line.downBytesPerMs === null && line.upBytesPerMs === null) return;
    const told = this.#toldLine;
    if (told !== undefined && isAlike(told.downBytesPerMs, line.downBytesPerMs) && isAlike(told.upBytesPerMs, line.upBytesPerMs)) return;
    if (this.#ports.send({ type: 'measured', line })) this.#toldLine = line;
  }
}

const isAlike = (a: number | null, b: number | null): boolean => a === b || (a !== null && b !== null && Math.max(a, b) < NEWS_FACTOR * Math.min(a, b));
