import type { ComponentChildren } from 'preact';

/** A problem, what to do about it, perhaps the exact words of whoever noticed it, and perhaps the button that does it. */
export function TroubleBox({ title, message, todo, words, children }: { title: string; message: string; todo: string; words?: string; children?: ComponentChildren }) {
  return (
    <div class="trouble">
      <strong>{title}</strong>
      {message !== '' && <span>{sentence(message)}</span>}
      {todo !== '' && <span>{todo}</span>}
      {words !== undefined && <small>{sentence(words)}</small>}
      {children}
    </div>
  );
}

/** Errors are written to be put after a colon; alone they begin with a capital and end with a full stop. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
