import { sql } from 'kysely';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { Kysely } from 'kysely';
import type { AuditStore } from '../audit/ports.ts';
import type { Schema } from './schema.ts';

/** Audits in SQL. What is decided is recorded once: a draw of a job, a transcript of a stage and a piece stay as they were first saved. */
export class SqlAuditStore implements AuditStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async saveDraw(job: JobId, draw: AuditDraw): Promise<void> {
    await this.#db.insertInto('audit_draws').values({ job, draw: JSON.stringify(draw) }).onConflict((conflict) => conflict.doNothing()).execute();
  }

  async drawOf(job: string): Promise<AuditDraw | undefined> {
    return (await this.#db.selectFrom('audit_draws').select('draw').where(sql<string>`job`, '=', job).executeTakeFirst())?.draw;
  }

  async saveTranscript(transcript: Transcript): Promise<void> {
    const { job, stage } = transcript;
    await this.#db.insertInto('audit_transcripts').values({ job, stage, transcript: JSON.stringify(transcript) }).onConflict((conflict) => conflict.doNothing()).execute();
  }

  async transcriptsOf(job: string): Promise<Transcript[]> {
    const rows = await this.#db.selectFrom('audit_transcripts').select('transcript').where(sql<string>`job`, '=', job).orderBy('number').execute();
    return rows.map(({ transcript }) => transcript);
  }

  async savePiece(sha256: HexHash, job: JobId, bytes: Uint8Array, at: number): Promise<void> {
    await this.#db.insertInto('audit_pieces').values({ job, sha256, saved_at: at, bytes }).onConflict((conflict) => conflict.doNothing()).execute();
  }

  async pieces(job: string): Promise<Map<HexHash, Uint8Array>> {
    const rows = await this.#db.selectFrom('audit_pieces').select(['sha256', 'bytes']).where(sql<string>`job`, '=', job).execute();
    return new Map(rows.map(({ sha256, bytes }) => [sha256, bytes]));
  }

  async prunePieces(before: number): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom('audit_pieces').where('saved_at', '<', before).executeTakeFirst();
    return Number(numDeletedRows);
  }
}
