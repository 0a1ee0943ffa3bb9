import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { browserStatus } from '../../tests/support/browser-status.ts';
import { openBenchNetwork } from '../network/bench-network.ts';
import type { BenchNetwork } from '../network/bench-network.ts';
import type { CellSite } from './cells.ts';
import type { LineQuality } from './slow-line.ts';

const STAGES = 3;
/** Long enough for a rate, short enough for a hundred answers over slow lines. */
export const TOKENS = 32;
/** One stage-job in a thousand. */
export const AUDIT_RATE = 0.001;
export const NO_DELAY: LineQuality = { delayMs: 0, loss: 0 };
/** Tabs tell the figures of their links anew every few seconds. */
const ROUTES_TIMEOUT_MS = 60_000;
const ROUTES_POLL_MS = 250;
/** Pages read what their workers computed every two seconds. */
const COUNTED_MS = 2_500;

const Health = v.object({ links: v.array(v.object({ open: v.boolean(), route: v.string() })) });

type LineSite = Pick<CellSite, 'parts' | 'line' | 'ice' | 'tell'>;

export interface RingAnswer {
  readonly tokensPerSecond: number;
  readonly firstTokenMs: number;
}

/** Three tabs behind the slow line, which are opened anew when a link of theirs breaks. */
export class LineRing implements AsyncDisposable {
  readonly #site: LineSite;
  readonly #maxDrafts: number;
  #network: BenchNetwork | undefined;
  #askedAt = 0;
  #before = { drafted: 0, accepted: 0 };

  private constructor(site: LineSite, maxDrafts: number) {
    this.#site = site;
    this.#maxDrafts = maxDrafts;
  }

  /** `maxDrafts`: ids that its first stage drafts for a lap; 0 for none. */
  static async open(site: LineSite, maxDrafts: number): Promise<LineRing> {
    const ring = new LineRing(site, maxDrafts);
    await ring.#open();
    return ring;
  }

  /** Asks over a line of this quality. Undefined when a link broke: it goes on through the coordinator, without the delay, so that answer does not count. */
  async ask(cell: LineQuality, question: string): Promise<RingAnswer | undefined> {
    const { line, tell } = this.#site;
    const network = this.#network ?? (await this.#open());
    line.set(cell);
    const evidence = await network.ask({ messages: [{ role: 'user', content: question }], maxTokens: TOKENS });
    const routes = await routesOf(network);
    line.set(NO_DELAY);
    this.#askedAt = performance.now();
    if (evidence.finish_reason !== 'moved' && routes.every((route) => route === 'turn')) return { tokensPerSecond: evidence.tokens_per_second, firstTokenMs: evidence.ttft_ms };
    tell(`a link broke at ${described(cell)} (${evidence.finish_reason}, ${routes.join()}): the network is opened anew`);
    await this.#open();
    return undefined;
  }

  /** Ids drafted since this was called last, and those that came true. */
  async drafts(): Promise<{ readonly drafted: number; readonly accepted: number }> {
    await sleep(Math.max(0, this.#askedAt + COUNTED_MS - performance.now()));
    const before = this.#before;
    this.#before = await this.#count();
    return { drafted: this.#before.drafted - before.drafted, accepted: this.#before.accepted - before.accepted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network?.[Symbol.asyncDispose]();
    this.#network = undefined;
  }

  async #open(): Promise<BenchNetwork> {
    await this[Symbol.asyncDispose]();
    const { parts, line, ice } = this.#site;
    line.set(NO_DELAY);
    const network = await openBenchNetwork(parts, { stages: STAGES, engine: 'wasm', ice, relayOnly: true, auditRate: AUDIT_RATE, maxDrafts: this.#maxDrafts });
    this.#network = network;
    // Both ends warm up: the first answer after loading is slower.
    await network.ask({ messages: [{ role: 'user', content: 'Hello.' }], maxTokens: TOKENS });
    await overTurn(network);
    await sleep(COUNTED_MS);
    this.#before = await this.#count();
    return network;
  }

  async #count(): Promise<{ drafted: number; accepted: number }> {
    const all = await Promise.all((this.#network?.volunteers.pages ?? []).map(async (page) => (await browserStatus(page)).generated));
    return all.reduce((sum, { drafted, accepted }) => ({ drafted: sum.drafted + drafted, accepted: sum.accepted + accepted }), { drafted: 0, accepted: 0 });
  }
}

export const described = ({ delayMs, loss }: LineQuality): string => `${delayMs} ms, ${100 * loss} % lost`;

/** Waits until the coordinator has heard of every link that it goes over TURN. */
async function overTurn(network: BenchNetwork): Promise<void> {
  for (const deadline = performance.now() + ROUTES_TIMEOUT_MS; ; await sleep(ROUTES_POLL_MS)) {
    const routes = await routesOf(network);
    if (routes.every((route) => route === 'turn')) return;
    if (performance.now() > deadline) throw new Error(`links are ${routes.join()} after ${ROUTES_TIMEOUT_MS / 1000} s, not over TURN`);
  }
}

async function routesOf({ coordinator }: BenchNetwork): Promise<readonly string[]> {
  const { links } = v.parse(Health, await (await fetch(new URL('/health', coordinator.url))).json());
  return links.map(({ open, route }) => (open ? route : 'none'));
}
