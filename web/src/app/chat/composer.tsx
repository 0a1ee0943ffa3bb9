import { useRef } from 'preact/hooks';
import { formatAmount } from '../figures.ts';
import { messagesOf } from './chat-turn.ts';
import { quotedPrice } from './quoted-price.ts';
import type { ChatSession } from './chat-session.ts';

/** Id of the field, for links and buttons elsewhere that lead to it. */
export const QUESTION_FIELD = 'question';
/** Answer lengths offered, in tokens. */
const LENGTHS = [64, 128, 256, 512] as const;
/** Longest question in characters: twice what a context of 2,048 tokens can hold. */
const MAX_QUESTION = 16_384;

/** The field to write in, with the price of the answer before it is asked for. Enter sends, Shift and Enter break the line. */
export function Composer({ chat, model }: { chat: ChatSession; model: string }) {
  const { draft, maxTokens } = chat;
  const field = useRef<HTMLTextAreaElement>(null);
  const busy = chat.busy.value;
  const balance = chat.balance.value;
  const send = () => {
    const question = draft.value.trim();
    if (question === '' || busy) return;
    draft.value = '';
    void chat.ask(question, { model, maxTokens: maxTokens.value });
    field.current?.focus();
  };
  const said = messagesOf(chat.chat.value.turns).map(({ content }) => content);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="sr-only" for={QUESTION_FIELD}>
        Your question
      </label>
      <textarea
        id={QUESTION_FIELD}
        ref={field}
        rows={1}
        maxLength={MAX_QUESTION}
        placeholder="Ask the network"
        value={draft.value}
        onInput={(event) => (draft.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          // While a word is being composed (Japanese, Chinese, Korean), Enter belongs to the composition.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {busy ? (
        <button type="button" class="button button-ink" onClick={() => chat.stop()}>
          Stop
        </button>
      ) : (
        <button type="submit" class="button button-mine" disabled={draft.value.trim() === ''}>
          Ask
        </button>
      )}
      <div class="composer-foot">
        <label>
          <span class="wide-only">Answer up to </span>
          <select aria-label="Longest answer" value={String(maxTokens.value)} onChange={(event) => (maxTokens.value = Number(event.currentTarget.value))}>
            {LENGTHS.map((length) => (
              <option key={length} value={String(length)}>
                {length} tokens
              </option>
            ))}
          </select>
        </label>
        <label class="check" title="The text comes after other tabs have computed every part of it again">
          <input type="checkbox" checked={chat.checked.value} onChange={(event) => (chat.checked.value = event.currentTarget.checked)} />
          <span>Audit first</span>
        </label>
        <span>
          at most about <span class="figures">{formatAmount(quotedPrice([...said, draft.value], maxTokens.value))}</span> {balance === undefined ? 'credits' : <>of {formatAmount(balance)} credits</>}
          <span class="wide-only">; you pay what is generated</span>
        </span>
      </div>
    </form>
  );
}
