import { titleOf, type ChatSession } from './chat-session.ts';

/** Conversations listed; older ones stay kept. */
const LISTED = 30;

/** The conversations of this browser: open one, forget one, begin another. */
export function ChatHistory({ chat }: { chat: ChatSession }) {
  const others = chat.kept.value.filter(({ id }) => id !== chat.chat.value.id).slice(0, LISTED);
  return (
    <div class="history">
      {chat.chat.value.turns.length > 0 && (
        <button type="button" class="button button-quiet" onClick={() => chat.begin()}>
          New chat
        </button>
      )}
      {others.length > 0 && (
        <details class="history-list">
          <summary>Earlier chats</summary>
          <ul>
            {others.map((other) => (
              <li key={other.id}>
                <button
                  type="button"
                  class="history-open"
                  onClick={(event) => {
                    event.currentTarget.closest('details')?.removeAttribute('open');
                    chat.open(other);
                  }}
                >
                  {titleOf(other)}
                </button>
                <button type="button" class="button button-quiet" aria-label={`Delete the chat “${titleOf(other)}”`} onClick={() => void chat.remove(other)}>
                  Delete
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
