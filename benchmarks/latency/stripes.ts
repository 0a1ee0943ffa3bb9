import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { SLICE_BYTES, SLICE_HEADER_BYTES } from '@ciro/core/protocol/limits.ts';
import { IceServers } from '../../signaling/src/relay/ice-servers.ts';
import { median } from '../figures/figure.ts';
import { sendFrames } from './stripes-page.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { TurnServer } from '../../tests/support/turn-server.ts';
import type { Parts } from '../network/bench-network.ts';
import type { BenchReport } from '../result.ts';
import type { LineQuality, SlowLine } from './slow-line.ts';

/** A chunk of prefill: 16 rows of 576 float32 and a header. */
const FRAME_BYTES = 16 * 576 * 4 + 48;
/** A prompt of 240 positions in chunks, as fast as a stage of ten layers computes them on one core. */
const FRAMES = 15;
const EVERY_MS = 100;
/** Prompts, one after the other, with a rest between in which a congestion window may shrink. */
const PROMPTS = 6;
const REST_MS = 1_500;
const ASSOCIATIONS = [1, 5] as const;
const LINES: readonly LineQuality[] = [{ delayMs: 20, loss: 0 }, { delayMs: 50, loss: 0 }, { delayMs: 20, loss: 0.01 }, { delayMs: 50, loss: 0.01 }];

const Delays = v.array(v.array(v.number()));

export interface StripeSite {
  readonly parts: Parts;
  readonly line: SlowLine;
  readonly turn: TurnServer;
  readonly tell: (line: string) => void;
}

/** How long frames of prefill take between two ends in one page, whose clock is one, over one association and striped over several. */
export async function measureStripes({ parts: { browser }, line, turn, tell }: StripeSite): Promise<BenchReport['rows']> {
  const [, server] = new IceServers({ now: Date.now }, { stun: [turn.stunUrl], turn: [turn.url], turnSecret: turn.secret }).for('0'.repeat(40) as NodeId);
  if (server === undefined) throw new Error('there is no TURN server');
  const ice = { ...server, urls: `turn:127.0.0.1:${line.port}?transport=udp` };
  await using stack = new AsyncDisposableStack();
  const chromiumProcess = await chromium.launch({ executablePath: browser.path, env: { ...process.env, ...browser.env }, args: ['--no-sandbox', '--disable-gpu'] });
  stack.defer(() => chromiumProcess.close());
  const rows: Record<string, string | number>[] = [];
  for (const quality of LINES) {
    for (const associations of ASSOCIATIONS) {
      const page = await chromiumProcess.newPage();
      line.set({ delayMs: 0, loss: 0 });
      const task = { ice, associations, frameBytes: FRAME_BYTES, sliceBytes: SLICE_BYTES - SLICE_HEADER_BYTES, frames: FRAMES, everyMs: EVERY_MS, prompts: PROMPTS, restMs: REST_MS };
      // The page itself is opened on a good line: what is measured is what comes after.
      await page.exposeFunction('lineIsOpen', () => line.set(quality));
      const delays = v.parse(Delays, await page.evaluate(sendFrames, task));
      await page.close();
      const first = delays.map(([delay = Number.NaN]) => delay);
      const later = delays.flatMap(([, ...rest]) => rest);
      const last = delays.map((prompt) => prompt.at(-1) ?? Number.NaN);
      rows.push({
        delay_ms: quality.delayMs,
        loss_percent: 100 * quality.loss,
        associations,
        frame_bytes: FRAME_BYTES,
        first_frame_ms: median(first),
        later_frames_ms: median(later),
        last_frame_ms: median(last),
        last_frames_ms: last.map((ms) => ms.toFixed(0)).join(' '),
      });
      tell(`${quality.delayMs} ms, ${100 * quality.loss} % lost, ${associations} associations: first frame ${median(first).toFixed(0)} ms, later ${median(later).toFixed(0)} ms`);
    }
  }
  line.set({ delayMs: 0, loss: 0 });
  return rows;
}
