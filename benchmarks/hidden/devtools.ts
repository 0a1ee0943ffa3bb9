import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import * as v from 'valibot';
import type { Browser } from '../../signaling/src/volunteers/browser.ts';

const Reply = v.object({ id: v.number(), result: v.optional(v.unknown()), error: v.optional(v.object({ message: v.string() })) });
const Context = v.object({ browserContextId: v.string() });
const Target = v.object({ targetId: v.string() });
const Session = v.object({ sessionId: v.string() });
const Evaluated = v.object({ result: v.object({ value: v.optional(v.unknown()) }), exceptionDetails: v.optional(v.object({ text: v.string() })) });

/** Of a browser that people use nothing is switched off here: no timer, no renderer is kept from being throttled. */
const SWITCHES = ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-quic', '--mute-audio', '--no-first-run', '--no-default-browser-check'];

/** A page, spoken to without any emulation. */
export interface RawPage {
  /** Value of an expression, awaited. Throws what it throws. */
  evaluate(expression: string): Promise<unknown>;
  /** Makes it the tab that its window shows. */
  bringToFront(): Promise<void>;
}

/**
 * A whole browser, driven through the raw devtools protocol over a pipe. Page automation tells every page that it is in front (focus
 * emulation); here a page is hidden when its window shows another tab, as for a person.
 */
export class RawBrowser implements AsyncDisposable {
  readonly #input: Writable;
  readonly #close: () => Promise<void>;
  readonly #waiting = new Map<number, (reply: v.InferOutput<typeof Reply>) => void>();
  #count = 0;

  private constructor(input: Writable, output: Readable, close: () => Promise<void>) {
    this.#input = input;
    this.#close = close;
    let heard = '';
    output.setEncoding('utf8').on('data', (text: string) => {
      const parts = (heard + text).split('\0');
      heard = parts.pop() ?? '';
      for (const part of parts) this.#heard(JSON.parse(part));
    });
  }

  static async launch({ path, env }: Browser): Promise<RawBrowser> {
    const profile = await mkdtemp(join(tmpdir(), 'ciro-raw-'));
    const child = spawn(path, [...SWITCHES, `--user-data-dir=${profile}`, 'about:blank'], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    const [, , , input, output] = child.stdio;
    if (!(input instanceof Writable) || !(output instanceof Readable)) throw new Error('the browser was started without its pipes');
    return new RawBrowser(input, output, async () => {
      // Its end of the pipe: the browser ends with it.
      input.end();
      await exited;
      await rm(profile, { recursive: true, force: true });
    });
  }

  /** A tab with a storage and a window of its own, and another tab in that window to hide it behind. */
  async openPair(url: string): Promise<{ readonly page: RawPage; readonly cover: RawPage }> {
    const { browserContextId } = v.parse(Context, await this.#send('Target.createBrowserContext'));
    const page = await this.#open(url, browserContextId);
    return { page, cover: await this.#open('about:blank', browserContextId) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #open(url: string, browserContextId: string): Promise<RawPage> {
    const { targetId } = v.parse(Target, await this.#send('Target.createTarget', { url, browserContextId }));
    const { sessionId } = v.parse(Session, await this.#send('Target.attachToTarget', { targetId, flatten: true }));
    return {
      evaluate: async (expression) => {
        const { result, exceptionDetails } = v.parse(Evaluated, await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId));
        if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
        return result.value;
      },
      bringToFront: async () => void (await this.#send('Target.activateTarget', { targetId })),
    };
  }

  #send(method: string, params: object = {}, sessionId?: string): Promise<unknown> {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`))));
      this.#input.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`);
    });
  }

  /** Replies are looked at; events are nobody's business here. */
  #heard(message: unknown): void {
    if (!v.is(Reply, message)) return;
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}
