import type { Coordinator } from '../main.ts';

/** What answers under way are given when a stop is asked for: twice what a short answer may take by its objective would keep a rolling upgrade waiting. */
export const DRAIN_LIMIT_MS = 30_000;

/**
 * Lets the answers under way end before the coordinator is closed, for at most DRAIN_LIMIT_MS (SPEC O4); says so when there are any. Those that keep
 * going without their reader are left to the next start; those that take longer are called off by `close`, and cost nothing. A second signal ends the process at once.
 */
export async function drain(coordinator: Pick<Coordinator, 'drain' | 'answering'>, report: (line: string) => void, limitMs = DRAIN_LIMIT_MS): Promise<void> {
  const { answering } = coordinator;
  if (answering > 0) report(`stopping: no new questions; ${answering === 1 ? 'an answer has' : `${answering} answers have`} ${limitMs / 1000} s to end (stop once more to end at once)`);
  await coordinator.drain(AbortSignal.timeout(limitMs));
}
