import type { Page } from 'playwright-core';

/**
 * What becomes of the next row frame that leaves a page, on its real data channel. `corrupt`: its first value is not a number any more. `duplicate`: it is
 * sent twice. `reorder`: it comes after the next row frame of that channel; frames of a prompt follow each other closely enough for that.
 */
export type FrameFault = 'corrupt' | 'duplicate' | 'reorder';

/** What the script below puts on the page. */
interface FaultyPage {
  ciroFrameFault?: FrameFault | undefined;
  /** Faults that were done. */
  ciroFrameFaults?: number;
}

/** Readies a page that was not opened yet. */
export async function readyFrameFaults(page: Page): Promise<void> {
  await page.addInitScript(breakFrames);
}

/** Has the next row frame of this page go wrong. */
export async function breakNextFrame(page: Page, fault: FrameFault): Promise<void> {
  await page.evaluate((wanted) => void ((globalThis as FaultyPage).ciroFrameFault = wanted), fault);
}

/** Frames of this page that went wrong so far. */
export const brokenFrames = (page: Page): Promise<number> => page.evaluate(() => (globalThis as FaultyPage).ciroFrameFaults ?? 0);

/** Runs in the page, so it holds all that it needs: slices and frames as SPEC F1 and F2 have them. */
function breakFrames(): void {
  const SLICE_HEADER_BYTES = 16;
  const FRAME_HEADER_BYTES = 48;
  const [MAGIC, ROWS] = [0xc1, 1];
  const NOT_A_NUMBER = 0x7fc0_0000;
  const page = globalThis as FaultyPage;
  const send = RTCDataChannel.prototype.send as (this: RTCDataChannel, data: ArrayBufferView<ArrayBuffer>) => void;
  /** A frame that is held back, by the channel that it is for. */
  const held = new Map<RTCDataChannel, { readonly frame: number; readonly slices: Uint8Array<ArrayBuffer>[]; after: number | undefined }>();
  const done = (): void => {
    page.ciroFrameFault = undefined;
    page.ciroFrameFaults = (page.ciroFrameFaults ?? 0) + 1;
  };

  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: string | Blob | ArrayBuffer | ArrayBufferView): void {
    if (!(data instanceof Uint8Array) || data.length < SLICE_HEADER_BYTES) return send.call(this, data as Uint8Array<ArrayBuffer>);
    const bytes = Uint8Array.from(data);
    const view = new DataView(bytes.buffer);
    const [frame, index, slices] = [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
    const isRows = index === 0 && bytes.length >= SLICE_HEADER_BYTES + FRAME_HEADER_BYTES && bytes[SLICE_HEADER_BYTES] === MAGIC && bytes[SLICE_HEADER_BYTES + 2] === ROWS;
    const waiting = held.get(this);
    if (waiting !== undefined) {
      if (frame === waiting.frame) return void waiting.slices.push(bytes);
      if (isRows) waiting.after ??= frame;
      send.call(this, bytes);
      if (frame !== waiting.after || index < slices - 1) return;
      held.delete(this);
      for (const slice of waiting.slices) send.call(this, slice);
      return;
    }
    if (isRows && page.ciroFrameFault === 'reorder') {
      held.set(this, { frame, slices: [bytes], after: undefined });
      return done();
    }
    if (isRows && page.ciroFrameFault === 'corrupt') {
      view.setUint32(SLICE_HEADER_BYTES + FRAME_HEADER_BYTES, NOT_A_NUMBER, true);
      done();
    }
    send.call(this, bytes);
    if (isRows && slices === 1 && page.ciroFrameFault === 'duplicate') {
      send.call(this, bytes);
      done();
    }
  };
}
