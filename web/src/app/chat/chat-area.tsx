import { useEffect, useRef } from 'preact/hooks';
import { MissingTabs } from '../network/missing-tabs.tsx';
import { healthOf, type NetworkState } from '../network/network-watch.ts';
import { ChatHistory } from './chat-history.tsx';
import { isAnswering, type ChatSession } from './chat-session.ts';
import { isOpen } from './chat-turn.ts';
import { Composer, QUESTION_FIELD } from './composer.tsx';
import { ReadersNote } from './readers-note.tsx';
import { TurnView } from './turn-view.tsx';
import type { ServedModel } from '../network/served-models.ts';

/** The model that is asked when the coordinator has not named one. */
const DEFAULT_MODEL = 'default';
/** Pixels from the end within which the reader counts as being there and is kept there. */
const NEAR_END = 120;

export interface ChatAreaProps {
  readonly chat: ChatSession;
  readonly model: ServedModel | undefined;
  readonly network: NetworkState;
  /** Node id of this tab, if it contributes. */
  readonly mine: string | undefined;
  /** Leads to the other area. */
  readonly onContribute: () => void;
}

/** The requester's side of the page. */
export function ChatArea({ chat, model, network, mine, onContribute }: ChatAreaProps) {
  const { turns } = chat.chat.value;
  const health = healthOf(network);
  const modelName = model?.name ?? DEFAULT_MODEL;
  const placed = health?.stages ?? [];
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current) log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [chat.chat.value]);
  const pick = (question: string) => {
    chat.draft.value = question;
    document.getElementById(QUESTION_FIELD)?.focus();
  };
  return (
    <section id="chat" class="card chat" aria-label="Chat">
      <header class="chat-head">
        <h2>Ask the network</h2>
        {model !== undefined && <span class="model figures">{model.name}</span>}
        <ChatHistory chat={chat} />
      </header>
      <div
        ref={log}
        class="log"
        role="log"
        aria-live="off"
        aria-busy={isAnswering(chat.chat.value)}
        aria-label="Conversation"
        tabindex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => (atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END)}
      >
        {turns.length === 0 && health !== undefined && !health.serves && health.missing === 0 && <p class="note">The tabs are loading the model. A question waits until they are ready.</p>}
        {health !== undefined && health.missing > 0 && (turns.length === 0 || chat.busy.value) && <MissingTabs here={health.workers} missing={health.missing} model={modelName} onContribute={onContribute} />}
        {turns.length === 0 && <ReadersNote model={model} onPick={pick} />}
        {turns.map((turn, index) => (
          <TurnView
            key={index}
            turn={turn}
            chat={chat}
            mine={mine}
            placed={isOpen(turn.answer) ? placed : []}
            onAgain={index === turns.length - 1 && !chat.busy.value ? () => void chat.again({ model: modelName, maxTokens: chat.maxTokens.value }) : undefined}
            onContribute={onContribute}
          />
        ))}
      </div>
      {!chat.keeps.value && <p class="aside">This browser refuses to keep data, so conversations end with this tab.</p>}
      <Composer chat={chat} model={modelName} />
      <p class="sr-only" role="status">
        {announcement(chat)}
      </p>
    </section>
  );
}

/** The one thing that screen readers are told: not each token, but that it began and how it ended. */
function announcement(chat: ChatSession): string {
  const answer = chat.chat.value.turns.at(-1)?.answer;
  if (answer === undefined) return '';
  switch (answer.state) {
    case 'waiting':
    case 'streaming':
      return 'Generating the answer';
    case 'away':
      return 'The coordinator is not reached. The answer is read on as soon as it is';
    case 'moving':
      return 'A tab left. Its layers move to another one, and the answer goes on';
    case 'done':
      return 'The answer is complete';
    case 'stopped':
      return 'The answer was stopped';
    case 'failed':
      return `No answer: ${answer.trouble?.message ?? 'it failed'}`;
  }
}
