/** What a person can do about an error, by the code that the coordinator or this page gives it. */
const ADVICE: Readonly<Record<string, string>> = {
  no_workers: 'Contribute with this tab, or send the link to someone who will, and ask again.',
  not_covered: 'Contribute with this tab, or send the link to someone who will, and ask again.',
  queue_full: 'More is asked than the tabs can answer. Ask again in a moment.',
  prepare_timeout: 'The tabs were not ready in time. Ask again.',
  insufficient_credits: 'Ask for a shorter answer, or ask the operator for more credits.',
  daily_cap: 'The network gives out no more trial credits today. Try again tomorrow.',
  pool_empty: 'The network has no trial credits left. Ask the operator.',
  rate_limit_exceeded: 'Too much was asked from this address. Wait a little.',
  context_length_exceeded: 'Begin a new chat, or shorten the question: the model reads only so much at once.',
  worker_lost: 'A tab left in the middle of the answer. Nothing was charged. Ask again.',
  stage_refused: 'A tab could not take its part. Nothing was charged. Ask again.',
  stalled: 'A tab fell silent in the middle of the answer. Nothing was charged. Ask again.',
  fault: 'A tab failed in the middle of the answer. Nothing was charged. Ask again.',
  stopping: 'The coordinator is being restarted. Ask again in a minute.',
  unreachable: 'Check that this device is online and that the coordinator runs, then ask again.',
  job_failed: 'The answer could not go on. Nothing was charged for it. Ask again.',
  broken_stream: 'The connection broke. Ask again.',
};
const GENERAL = 'Ask again. If it happens again, tell the operator the words above.';

/** The advice for an error code; general when the code is not known. `retryAfter`: seconds, 0 when the coordinator named none. */
export function whatToDo(code: string, retryAfter: number): string {
  const advice = (Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined) ?? GENERAL;
  return retryAfter > 0 ? `${advice} It makes sense after ${retryAfter} s.` : advice;
}
