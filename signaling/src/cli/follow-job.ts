import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { apiError } from './ask.ts';
import type { Door } from './ask.ts';

const StageOutcome = v.picklist(['passed by', 'passed', 'failed', 'unpaid']);

/** Events of `GET /v1/jobs/ID/events` that the command line makes something of. */
const Event = v.variant('type', [
  v.object({ type: v.literal('recorded'), roots: v.array(v.nullable(v.string())) }),
  v.object({ type: v.literal('audited'), stage: v.number(), status: StageOutcome }),
  v.object({ type: v.literal('moved'), job: v.string(), from_position: v.number(), code: v.string(), message: v.string() }),
  v.object({ type: v.literal('corrected'), job: v.string(), from_position: v.number(), text: v.string() }),
  v.object({ type: v.literal('uncorrected'), code: v.string(), message: v.string() }),
  v.object({ type: v.literal('settled') }),
  v.object({ type: v.literal('failed'), code: v.string(), message: v.string() }),
]);
export type JobEvent = v.InferOutput<typeof Event>;

/** Tells of what happens to a job from its beginning, and resolves when it is over. Throws `refused` when the key has no such job. */
export async function followJob({ baseUrl, apiKey }: Door, job: string, onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${baseUrl}/jobs/${job}/events`, { headers: { authorization: `Bearer ${apiKey}` }, signal });
  if (!response.ok || response.body === null) throw apiError(response.status, await response.json());
  const parser = createParser({
    onEvent: ({ data }) => {
      // Kinds that are not known here are of a newer coordinator, and nobody's business.
      const event = v.safeParse(Event, JSON.parse(data));
      if (event.success) onEvent(event.output);
    },
  });
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) parser.feed(bytes);
}
