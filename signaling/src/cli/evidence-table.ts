import type { Evidence } from '@ciro/core/evidence/evidence.ts';

/** The evidence of a job as a table for a terminal: who ran which layers, what they committed to, who was paid. */
export function evidenceTable(evidence: Evidence): string {
  const rows = evidence.stages.map((stage, index) => [
    String(index),
    stage.worker.slice(0, 12),
    `${stage.layers[0]}–${stage.layers[1] - 1}`,
    stage.engine,
    stage.link,
    `${stage.ms_per_token.p50.toFixed(1)} / ${stage.ms_per_token.p95.toFixed(1)}`,
    `${(stage.peak_memory_bytes / 1e6).toFixed(0)} MB`,
    `${stage.units.length} (${stage.units[0]?.canonical_sha256.slice(0, 8) ?? 'none'}…)`,
    `${stage.receipts.filter((receipt) => receipt.valid).length} of ${stage.receipts.length} valid`,
    stage.audit_status,
    credit(evidence, index),
  ]);
  const header = ['stage', 'worker', 'layers', 'engine', 'link', 'ms a token p50 / p95', 'engine memory', 'units (first cells)', 'receipts', 'audit', 'credit'];
  return [
    `${evidence.model.id} · plan ${evidence.plan.hash.slice(0, 16)} version ${evidence.plan.version}`,
    `${evidence.prompt_tokens} prompt + ${evidence.completion_tokens} answer tokens · first token ${(evidence.ttft_ms / 1000).toFixed(2)} s · ${evidence.tokens_per_second.toFixed(1)} tokens/s`,
    '',
    alignedTable([header, ...rows]),
    '',
    `debit ${evidence.ledger.debit} = fee ${evidence.ledger.fee} + credits (base units; one credit is 10^18)`,
  ].join('\n');
}

/** What became of a job of the answer that was not its last one. */
export function fateOf({ job, prompt_tokens: prompt, completion_tokens: ids }: Evidence, next: Evidence): string {
  return next.continues === job ? `moved to other tabs at position ${prompt + ids - 1}, as job ${next.job}` : `not right, done again by job ${next.job}`;
}

function credit(evidence: Evidence, stage: number): string {
  const found = evidence.ledger.credits[stage];
  return found === undefined ? 'none' : `${(Number(BigInt(found.amount) / 10n ** 12n) / 1e6).toFixed(3)} ${found.status}`;
}

/** Columns as wide as their widest cell, two spaces apart. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)));
  return rows.map((row) => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length)).join('  ').trimEnd()).join('\n');
}
