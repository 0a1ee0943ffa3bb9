import { expect, it } from 'vitest';
import { TicketLine } from './ticket-line.ts';

function setup({ connected = true } = {}) {
  let sent = 0;
  const timers = new Set<() => void>();
  const line = new TicketLine(
    () => (sent++, connected),
    (_milliseconds, task) => {
      timers.add(task);
      return () => timers.delete(task);
    },
  );
  return { line, sent: () => sent, timers, timeOut: () => [...timers].forEach((task) => task()) };
}

it('Y7: gives the ticket that comes back', async () => {
  const { line, sent, timers } = setup();
  const asked = line.ask();
  line.answered({ type: 'sponsor-ticket', ticket: 'T' });
  line.answered({ type: 'sponsor-ticket', ticket: 'nobody asked for this one' });
  expect(await asked).toBe('T');
  expect([sent(), timers.size]).toEqual([1, 0]);
});

it('Y7: says why there is none', async () => {
  const { line, timeOut } = setup();
  const refused = line.ask();
  line.answered({ type: 'sponsor-refused', code: 'too-many', message: 'four at once', retryAfterMs: 60_000 });
  await expect(refused).rejects.toMatchObject({ code: 'no-ticket', fields: { retryAfterMs: 60_000 } });
  const silent = line.ask();
  timeOut();
  await expect(silent).rejects.toMatchObject({ code: 'unreachable' });
  await expect(setup({ connected: false }).line.ask()).rejects.toMatchObject({ code: 'no-ticket', message: expect.stringContaining('press Contribute') });
  const first = line.ask();
  const second = line.ask();
  line.answered({ type: 'sponsor-ticket', ticket: 'T' });
  await expect(first).rejects.toMatchObject({ code: 'unreachable' });
  expect(await second).toBe('T');
});
