/**
 * Waits for turns of the event loop without timers, which browsers hold back to 4 ms and, in hidden tabs, to a second: a
 * message to oneself comes after the frames and calls that already wait.
 */
export function eventLoopTurns(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}
