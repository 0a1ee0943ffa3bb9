import { CopyButton } from '../copy-button.tsx';

/** Says how many tabs a model still needs, and gives the link at which they join: to press here, or to copy for another device. */
export function MissingTabs({ here, missing, model, onContribute }: { here: number; missing: number; model: string; onContribute: () => void }) {
  return (
    <p class="note missing-tabs">
      {here === 0 ? 'No tab holds the model yet.' : 'The tabs that are here cannot hold the whole model yet.'} <span aria-live="polite">{needs(missing, model)}</span>{' '}
      <a
        href={joinLink()}
        onClick={(event) => {
          event.preventDefault();
          onContribute();
        }}
      >
        Contribute with this tab
      </a>
      , or open <code>{joinLink()}</code> on another device. <CopyButton text={joinLink} label="Copy the link" done="Link copied" />
    </p>
  );
}

/** The sentence of the coordinator's own refusal (SPEC P4). */
export const needs = (missing: number, model: string): string => `${model} needs ${missing} more ${missing === 1 ? 'tab' : 'tabs'}.`;

/** Absolute address of the page's contributing part. */
const joinLink = (): string => new URL('/#contribute', location.href).href;
