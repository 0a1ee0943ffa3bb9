import { CopyButton } from '../copy-button.tsx';
import { answerBlocks } from './answer-text.ts';

/** An answer as text nodes: line breaks kept, fenced code set apart, nothing interpreted. */
export function AnswerBody({ text, growing }: { text: string; growing: boolean }) {
  const blocks = answerBlocks(text);
  return (
    <div class={`answer-body${growing ? ' answer-growing' : ''}`}>
      {blocks.map((block, index) =>
        block.kind === 'text' ? (
          <p key={index}>{block.text}</p>
        ) : (
          <figure key={index} class="code">
            <figcaption>
              {block.language === '' ? 'code' : block.language}
              <CopyButton text={() => block.text} label="Copy" done="Copied" />
            </figcaption>
            <pre tabindex={0}>
              <code>{block.text}</code>
            </pre>
          </figure>
        ),
      )}
    </div>
  );
}
