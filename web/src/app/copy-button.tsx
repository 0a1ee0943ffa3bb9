import { useSignal } from '@preact/signals';

/** How long the button says that it worked, in milliseconds. */
const SAID_MS = 2_500;

/** Copies a text and says so. Where the clipboard is closed to pages, the text is selected in a prompt instead. */
export function CopyButton({ text, label, done, hint, class: look = 'button button-quiet' }: { text: () => string; label: string; done: string; hint?: string; class?: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      copied.value = true;
      setTimeout(() => (copied.value = false), SAID_MS);
    } catch {
      window.prompt(label, text());
    }
  };
  return (
    <button type="button" class={look} title={hint} onClick={() => void copy()}>
      <span aria-live="polite">{copied.value ? done : label}</span>
    </button>
  );
}
