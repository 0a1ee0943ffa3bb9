import { SingleBar } from 'cli-progress';

/** Plain lines come at most this often, so that a log of a download stays short. */
const LINE_INTERVAL_MS = 5_000;

/** Shows progress in bytes on stderr: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  update(bytes: number, total: number): void;
  /** Ends the bar; what is printed next starts on a line of its own. */
  done(): void;
}

export function showProgress(what: string): Progress {
  return process.stderr.isTTY ? bar(what) : lines(what);
}

function bar(what: string): Progress {
  let shown: SingleBar | undefined;
  return {
    update(bytes, total) {
      if (shown === undefined) {
        shown = new SingleBar({ format: `${what} {bar} {percentage}% of ${(total / 1e6).toFixed(0)} MB, {eta_formatted} left`, hideCursor: true, stream: process.stderr });
        shown.start(total, bytes);
      }
      shown.update(bytes);
    },
    done: () => shown?.stop(),
  };
}

function lines(what: string): Progress {
  let next = 0;
  return {
    update(bytes, total) {
      if (performance.now() < next) return;
      next = performance.now() + LINE_INTERVAL_MS;
      process.stderr.write(`${what}: ${(bytes / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB\n`);
    },
    done: () => undefined,
  };
}

/** Shows that something is waited for, with the seconds: one line that is redrawn on a terminal, a line now and then elsewhere. */
export interface Waiting extends Disposable {
  /** What there is to say now. */
  say(what: string): void;
}

/** Redraws on a terminal: the seconds move. */
const REDRAW_MS = 1_000;

export function showWaiting(): Waiting {
  const { stderr } = process;
  const started = performance.now();
  const line = (what: string): string => `${what}, ${Math.round((performance.now() - started) / 1000)} s`;
  let now: string | undefined;
  const draw = (): void => {
    if (now !== undefined) stderr.write(stderr.isTTY ? `\r\x1b[K${line(now)}` : `${line(now)}\n`);
  };
  const timer = setInterval(draw, stderr.isTTY ? REDRAW_MS : LINE_INTERVAL_MS);
  return {
    say(what) {
      const first = now === undefined;
      now = what;
      if (first || stderr.isTTY) draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (stderr.isTTY && now !== undefined) stderr.write('\r\x1b[K');
    },
  };
}
