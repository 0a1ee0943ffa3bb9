import { shortId } from '../figures.ts';
import { countChecks, type Proof } from './proof.ts';
import { partText, stagesOf, type AnswerPart } from './answer-parts.ts';
import type { AuditStatus, ServedStage } from './evidence.ts';

const STATUS: Readonly<Record<AuditStatus, { readonly text: string; readonly tone: string }>> = {
  pending: { text: 'waits for the draw', tone: 'soft' },
  'passed by': { text: 'not drawn this time', tone: 'soft' },
  passed: { text: 'computed again, the same', tone: 'good' },
  failed: { text: 'computed again, wrong', tone: 'bad' },
  unpaid: { text: 'could not be decided, not paid', tone: 'warn' },
};

/** What was checked about an answer by others, and a button that checks it here. */
export function ProofPanel({ parts, proof, onVerify }: { parts: readonly AnswerPart[]; proof: Proof | undefined; onVerify: () => void }) {
  const checked = parts.every(({ served }) => served.assurance === 'checked');
  return (
    <details class="served proof">
      <summary>{summaryOf(stagesOf(parts))}</summary>
      {parts.map((part, index) => (
        <section key={part.job}>
          {parts.length > 1 && <h4 class="part">{partText(parts, index)}</h4>}
          <Audits stages={part.served.stages} />
        </section>
      ))}
      <p class="aside">
        Every tab committed to its numbers before anyone knew which would be looked at. {checked ? 'This answer was held back until that was decided.' : 'An answer that turns out wrong is corrected here and not charged.'}
      </p>
      <div class="proof-actions">
        <button type="button" class="button" onClick={onVerify} disabled={proof?.state === 'checking'}>
          {proof === undefined ? 'Verify in this tab' : proof.state === 'checking' ? 'Verifying…' : 'Verify again'}
        </button>
        <span role="status">{proof === undefined ? '' : <ProofWords proof={proof} />}</span>
      </div>
      {proof?.state === 'done' && <ProofChecks proof={proof} />}
    </details>
  );
}

function Audits({ stages }: { stages: readonly ServedStage[] }) {
  return (
    <ol class="stages">
      {stages.map((stage) => (
        <li key={stage.worker}>
          <b class="figures">{shortId(stage.worker)}</b>
          <span class={STATUS[stage.audit].tone}>{STATUS[stage.audit].text}</span>
          <span class="soft">{auditorsText(stage)}</span>
        </li>
      ))}
    </ol>
  );
}

function ProofWords({ proof }: { proof: Proof }) {
  if (proof.state === 'checking') return <span class="soft">Making every hash, signature and tree again</span>;
  if (proof.state === 'unavailable') return <span class="warn">{proof.why}</span>;
  const { ok } = countChecks(proof.report.checks);
  if (proof.report.first === null) return <strong class="good">{ok} checks hold, none fails</strong>;
  return <strong class="bad">Wrong: {proof.report.first.why}</strong>;
}

function ProofChecks({ proof }: { proof: Extract<Proof, { state: 'done' }> }) {
  const { checks, first } = proof.report;
  return (
    <>
      {first !== null && (
        <dl class="wrong-element">
          <dt>Where</dt>
          <dd class="figures">{first.at}</dd>
          <dt>Should be</dt>
          <dd class="figures">{first.expected}</dd>
          <dt>Is</dt>
          <dd class="figures">{first.got}</dd>
        </dl>
      )}
      <ul class="checks">
        {checks.map((check) => (
          <li key={check.name} class={check.state === 'ok' ? 'good' : check.state === 'failed' ? 'bad' : 'soft'}>
            <b>{check.name}</b> <span>{check.state === 'ok' ? check.detail : check.state === 'failed' ? check.wrong.why : `not checked: ${check.reason}`}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function summaryOf(stages: readonly ServedStage[]): string {
  const failed = tabsIn(stages.filter(({ audit }) => audit === 'failed'));
  if (failed > 0) return failed === 1 ? 'An audit found one tab wrong' : `Audits found ${failed} tabs wrong`;
  if (stages.some(({ audit }) => audit === 'pending')) return 'Audits are under way';
  const passed = stages.filter(({ audit }) => audit === 'passed').length;
  if (passed === 0) return 'Signed by every tab, not drawn for an audit';
  if (passed === stages.length) return 'Computed again by others, the same';
  // In an answer that moved a tab may have two stages.
  return `${passed} of ${stages.length} ${tabsIn(stages) === stages.length ? "tabs' work" : 'stages'} computed again, the same`;
}

const tabsIn = (stages: readonly ServedStage[]): number => new Set(stages.map(({ worker }) => worker)).size;

function auditorsText({ auditors }: ServedStage): string {
  return auditors.map(({ id, independent }) => (independent ? `by ${shortId(id)}` : 'by the coordinator itself')).join(', ');
}
