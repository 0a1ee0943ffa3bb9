import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Redraws of the line; each looks for a few hundred files, which takes about a millisecond. */
const REDRAW_MS = 250;
/** Without a terminal, one line now and then shows a log's reader that it is alive. */
const PLAIN_LINE_MS = 15_000;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/**
 * Shows how an install goes on: one line that is redrawn on a terminal, plain lines elsewhere. A package counts once its
 * `package.json` is unpacked.
 * @param {NodeJS.WriteStream} stream
 * @param {string} checkout
 * @param {readonly string[]} packages install paths to expect, relative to the checkout
 * @param {string} reason
 * @returns {{ end(done: boolean): void }}
 */
export function showProgress(stream, checkout, packages, reason) {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const unpacked = () => packages.filter((path) => existsSync(join(checkout, path, 'package.json'))).length;
  const terminal = stream.isTTY === true;
  let frame = 0;

  const draw = () => {
    const text = `installing packages (${reason}): ${unpacked()} of ${packages.length}, ${seconds()} s`;
    stream.write(terminal ? `\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${text}` : `${text}\n`);
  };
  draw();
  const timer = setInterval(draw, terminal ? REDRAW_MS : PLAIN_LINE_MS);

  return {
    end(done) {
      clearInterval(timer);
      if (terminal) stream.write('\r\x1b[K');
      if (done) stream.write(`installed ${unpacked()} packages in ${seconds()} s\n`);
    },
  };
}
