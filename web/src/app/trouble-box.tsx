import type { ComponentChildren } from 'preact';

/** A problem, what to do about it, and perhaps the button that does it. */
export function TroubleBox({ title, message, todo, children }: { title: string; message: string; todo: string; children?: ComponentChildren }) {
  return (
    <div class="trouble">
      <strong>{title}</strong>
      <span>{sentence(message)}</span>
      {todo !== '' && <span>{todo}</span>}
      {children}
    </div>
  );
}

/** Errors are written to be put after a colon; alone they begin with a capital and end with a full stop. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
