import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { startRelayer } from './chain/start-relayer.ts';
import { readPrivate, writePrivate } from './store/private-file.ts';
import type { RelayerSettings } from './chain/relayer-settings.ts';
import type { Relayer, RelayerOptions } from './chain/start-relayer.ts';

const TICKET_KEY_FILE = 'ticket-key';
const SPEND_FILE = 'sponsored-today.json';
/** Bytes: tickets are HMAC-SHA-256. */
const TICKET_KEY_BYTES = 32;

const Spend = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ day: v.pipe(v.number(), v.safeInteger()), fri: v.pipe(v.string(), v.regex(/^[0-9]{1,39}$/), v.transform((text) => BigInt(text))) }),
);

export interface RelayerKeeping {
  /** Where the ticket key and the day's spending stay over restarts. */
  readonly dataDir: string;
  readonly onAlarm: NonNullable<RelayerOptions['onAlarm']>;
  readonly onError: (error: unknown) => void;
}

/**
 * Starts the relayer that a coordinator mounts at `/paymaster`. A restart is no new day and ends no ticket. Throws what `startRelayer` does;
 * a file of the day's spending that cannot be read counts as nothing spent, and is told.
 */
export async function openRelayer(settings: RelayerSettings, { dataDir, onAlarm, onError }: RelayerKeeping): Promise<Relayer> {
  const kept = await readPrivate(dataDir, TICKET_KEY_FILE);
  const ticketKey = kept === undefined ? randomBytes(TICKET_KEY_BYTES) : Buffer.from(kept, 'hex');
  if (kept === undefined) await writePrivate(dataDir, TICKET_KEY_FILE, ticketKey.toString('hex'));
  const text = await readPrivate(dataDir, SPEND_FILE);
  const spent = v.safeParse(Spend, text);
  if (text !== undefined && !spent.success) onError(new Error(`${SPEND_FILE} of ${dataDir} holds no day and amount; what was sponsored today counts from zero`));
  let written: Promise<void> = Promise.resolve();
  const relayer = await startRelayer({
    ...settings,
    ticketKey,
    ...(spent.success ? { spent: spent.output } : {}),
    onSpent: ({ day, fri }) => void (written = written.then(() => writePrivate(dataDir, SPEND_FILE, JSON.stringify({ day, fri: String(fri) }))).catch(onError)),
    onAlarm,
  });
  return {
    ...relayer,
    async close() {
      await relayer.close();
      await written;
    },
  };
}
