import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { array, object, optional, parse, safeParse, number, string, unknown } from 'valibot';

/** Resident memory of the process that draws and computes one page, in bytes; code shared with other processes counts in full. */
export interface RendererMemory {
  readonly pid: number;
  readonly residentBytes: number;
  /** Highest `residentBytes` since the process started. */
  readonly peakBytes: number;
}

const TraceEvents = array(object({ name: optional(string()), args: optional(unknown()) }));
const FrameTree = object({ data: object({ frames: array(object({ frame: string(), processId: number() })) }) });
const TRACE = { includedCategories: ['disabled-by-default-devtools.timeline'], excludedCategories: ['*'] };

/**
 * Process id of a page's renderer. The debugging protocol tells it only at the head of a trace, so one is started and ended
 * at once (measured: 15–50 ms, the first of a browser up to 1.3 s). One trace can run in a browser at a time.
 */
export async function rendererPid(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    const { targetInfo } = await session.send('Target.getTargetInfo');
    let pid: number | undefined;
    session.on('Tracing.dataCollected', ({ value }) => {
      for (const event of parse(TraceEvents, value)) {
        if (event.name !== 'TracingStartedInBrowser') continue;
        const tree = safeParse(FrameTree, event.args);
        if (tree.success) pid = tree.output.data.frames.find(({ frame }) => frame === targetInfo.targetId)?.processId ?? pid;
      }
    });
    const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
    await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: TRACE });
    await session.send('Tracing.end');
    await complete;
    if (pid === undefined) throw new Error(`The browser's trace names no process for ${page.url()}.`);
    return pid;
  } finally {
    await session.detach();
  }
}

/** What Linux says about a process; undefined on other systems, and once the process has ended. */
export async function readMemory(pid: number): Promise<RendererMemory | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN);
  const residentBytes = kilobytes('VmRSS') * 1024;
  const peakBytes = kilobytes('VmHWM') * 1024;
  return Number.isNaN(residentBytes + peakBytes) ? undefined : { pid, residentBytes, peakBytes };
}
