import { useEffect } from 'preact/hooks';
import { CopyButton } from '../copy-button.tsx';
import { formatAmount, formatCount, formatDuration, formatRate } from '../figures.ts';
import { TroubleBox } from '../trouble-box.tsx';
import { AnswerBody } from './answer-body.tsx';
import { answerParts, costOf, isWhole } from './answer-parts.ts';
import { answerRate, hasEvidence, isOpen, type Answer, type Turn } from './chat-turn.ts';
import { ProofPanel } from './proof-panel.tsx';
import { ServedByPanel } from './served-by-panel.tsx';
import { whatToDo } from './what-to-do.ts';
import type { PlacedStage } from '../network/network-health.ts';
import type { ChatSession } from './chat-session.ts';

export interface TurnProps {
  readonly turn: Turn;
  readonly chat: ChatSession;
  /** Tabs that hold the model now, while the answer is open. */
  readonly placed: readonly PlacedStage[];
  readonly mine: string | undefined;
  /** Asks the question again; undefined for all but the newest. */
  readonly onAgain: (() => void) | undefined;
  readonly onContribute: () => void;
}

/** Errors that another contributing tab would cure. */
const NEEDS_TABS: readonly string[] = ['no_workers', 'not_covered'];

/** One question with its answer, what it took, and who gave it. */
export function TurnView({ turn, chat, placed, mine, onAgain, onContribute }: TurnProps) {
  const { question, answer } = turn;
  const { job } = answer;
  const open = isOpen(answer);
  const recorded = hasEvidence(answer);
  useEffect(() => {
    if (job !== undefined && recorded) void chat.fetchParts(job);
  }, [job, recorded]);
  const parts = open ? [] : answerParts(chat.served.value, job);
  const last = parts.at(-1);
  return (
    <article class="turn">
      <h3 class="question">
        <span class="sr-only">You asked: </span>
        {question}
      </h3>
      <div class="answer">
        {answer.state === 'waiting' && <p class="waiting">{waitingText(answer, placed)}</p>}
        <AnswerBody text={answer.text} growing={answer.state === 'streaming'} />
        {answer.state === 'away' && <p class="waiting">The coordinator is not reached. The answer is read on as soon as it is…</p>}
        {answer.state === 'moving' && <p class="waiting">A tab left. Moving its layers to another one…</p>}
        {answer.corrected !== undefined && answer.corrected.instead !== answer.text && (
          <details class="correction">
            <summary>Corrected: an audit found the first answer wrong. It was not charged.</summary>
            <p class="aside">{answer.corrected.instead}</p>
          </details>
        )}
        {answer.state === 'stopped' && <p class="aside">Stopped here. Only what was generated is charged.</p>}
        {answer.state === 'done' && answer.finish === 'length' && <p class="aside">Cut off at the length you chose.</p>}
        {answer.trouble !== undefined && (
          <TroubleBox title={answer.text === '' ? 'No answer' : 'The answer broke off'} message="" todo={whatToDo(answer.trouble.code, answer.trouble.retryAfter)} words={answer.trouble.message}>
            {NEEDS_TABS.includes(answer.trouble.code) ? (
              <button type="button" class="button" onClick={onContribute}>
                Go to Contribute
              </button>
            ) : (
              onAgain !== undefined && (
                <button type="button" class="button" onClick={onAgain}>
                  Ask again
                </button>
              )
            )}
          </TroubleBox>
        )}
        {(!open || placed.length > 0) && <ServedByPanel parts={parts} placed={open ? placed : []} mine={mine} answering={open} />}
        {last !== undefined && isWhole(parts) && <ProofPanel parts={parts} proof={chat.proofs.value.get(last.job)} onVerify={() => void chat.verify(upTo(chat.chat.value.turns, turn), last.job)} />}
        {!open && answer.text !== '' && (
          <div class="answer-foot">
            {answer.usage !== undefined && <span>{formatCount(answer.usage.completionTokens)} tokens</span>}
            {answer.usage?.cachedTokens !== undefined && <span>{formatCount(answer.usage.cachedTokens)} of the question's tokens were kept</span>}
            {answerRate(answer) !== undefined && <span>{formatRate(answerRate(answer) ?? 0)} a second</span>}
            {answer.firstTextMs !== undefined && <span>first after {formatDuration(answer.firstTextMs)}</span>}
            {last !== undefined && <span>{formatAmount(costOf(parts))} credits</span>}
            <span class="answer-actions">
              {onAgain !== undefined && answer.trouble === undefined && (
                <button type="button" class="button button-quiet" onClick={onAgain}>
                  Ask again
                </button>
              )}
              <CopyButton text={() => answer.text} label="Copy" done="Copied" />
            </span>
          </div>
        )}
      </div>
    </article>
  );
}

function waitingText({ ahead = 0 }: Answer, placed: readonly PlacedStage[]): string {
  if (ahead > 0) return ahead === 1 ? 'One question is answered first' : `${ahead} questions are answered first`;
  return placed.length === 0 ? 'Waiting for tabs that hold the model' : 'The tabs are reading the question';
}

/** The conversation as it was when this question was asked. */
const upTo = (turns: readonly Turn[], turn: Turn): readonly Turn[] => turns.slice(0, turns.indexOf(turn) + 1);
