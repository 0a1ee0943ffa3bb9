import { writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { LedgerLinks } from '@ciro/core/ledger/head.ts';
import { verifyLedger } from '@ciro/core/ledger/verify-ledger.ts';
import { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { usage } from './job-options.ts';
import { showWaiting } from './progress.ts';
import { readSource } from './read-source.ts';
import { VERIFY_USAGE } from './verify-options.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { LedgerExport } from '@ciro/core/ledger/verify-ledger.ts';
import type { EpochOptions, LedgerOptions } from './verify-options.ts';

const LinksPage = v.looseObject({ data: LedgerLinks });

/** Makes an epoch again from a file or an address, and looks for its entry in the ledger that is given (SPEC X4, X5), and checks the performance that is given with it (X11). */
export async function verifyEpochOf({ source, before, ledger, performance }: EpochOptions, signal: AbortSignal): Promise<Report> {
  const epoch = await readSource(source, signal);
  const earlier = before === undefined ? undefined : await readSource(before, signal);
  const links = ledger === undefined ? undefined : await readLedger(ledger, signal);
  const figures = performance === undefined ? undefined : await readSource(performance, signal);
  using waiting = showWaiting();
  return verifyEpoch(epoch, { performance: figures, onStep: (what) => waiting.say(`hashing: ${what}`), before: earlier, ledger: links });
}

/** Checks a ledger's chain: of a file, or as a coordinator gives it now, which `save` keeps (SPEC B1, B2). */
export async function verifyLedgerOf({ source, save, key }: LedgerOptions, signal: AbortSignal): Promise<Report> {
  const value = await readLedger(source, signal);
  if (save !== undefined) await writeFile(save, `${JSON.stringify(value)}\n`);
  return verifyLedger(value, { verifySignature, ...(key === undefined ? {} : { coordinatorKey: key }) });
}

const readLedger = (source: string, signal: AbortSignal): Promise<unknown> => (/^https?:/.test(source) ? fetchLedger(source.replace(/\/+$/, ''), signal) : readSource(source, signal));

/** The head, and all links up to it, page by page. */
async function fetchLedger(base: string, signal: AbortSignal): Promise<LedgerExport> {
  const head = read(SignedHead, await readSource(`${base}/v1/ledger/head`, signal), base);
  const links: LedgerExport['links'] = [];
  using waiting = showWaiting();
  while (links.length <= head.body.sequence) {
    waiting.say(`links of the ledger: ${links.length} of ${head.body.sequence + 1}`);
    const from = links.length === 0 ? '' : `from=${links.length - 1}&`;
    const { data } = read(LinksPage, await readSource(`${base}/v1/ledger/links?${from}to=${head.body.sequence}`, signal), base);
    // One that gives nothing more is found out by the check.
    if (data.length === 0) break;
    links.push(...data);
  }
  return { object: 'ledger', heads: [head], links };
}

function read<Schema extends v.GenericSchema>(schema: Schema, value: unknown, base: string): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw usage(`${base} does not answer as a coordinator does: ${v.getDotPath(parsed.issues[0]) ?? 'the answer'} is not as it should be`, VERIFY_USAGE);
}
