import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { EscrowId, EscrowSalt } from '@ciro/core/settlement/escrow.ts';
import { usage } from './job-options.ts';
import { ESCROW_USAGE } from './escrow-options.ts';

/** What a client keeps of a job it funded: without request and salt nobody can have it answered. `asked`: what came of it, and the key that reads its evidence. */
const EscrowFile = v.strictObject({ id: EscrowId, salt: EscrowSalt, request: v.looseObject({ model: v.string(), messages: v.array(v.strictObject({ role: v.string(), content: v.string() })), max_tokens: v.number(), temperature: v.number(), seed: v.number() }), asked: v.exactOptional(v.strictObject({ job: v.string(), apiKey: v.string(), text: v.string() })) });
export type EscrowFile = v.InferOutput<typeof EscrowFile>;

const pathOf = (folder: string, id: EscrowId): string => join(folder, `${id}.json`);

/** Keeps it for this user alone; gives the path. */
export async function writeEscrowFile(folder: string, content: EscrowFile): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = pathOf(folder, content.id);
  await writeFile(path, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  return path;
}

/** Throws `usage` when there is none, or it is none. */
export async function readEscrowFile(folder: string, id: EscrowId): Promise<EscrowFile> {
  const path = pathOf(folder, id);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw usage(`${path} is not there: the request and the salt of ${id} are kept where it was created`, ESCROW_USAGE);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), EscrowFile), text);
  if (!parsed.success) throw usage(`${path} is no request of an escrow (${parsed.issues[0].message})`, ESCROW_USAGE);
  return parsed.output;
}
