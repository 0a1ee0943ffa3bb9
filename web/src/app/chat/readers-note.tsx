import { formatBytes } from '../figures.ts';
import type { ServedModel } from '../network/served-models.ts';

/** A model whose file is smaller than this gets facts wrong often enough that people should be told: about one billion 4-bit weights. */
const SMALL_MODEL_BYTES = 600_000_000;
/** Questions that even a small model answers, to begin with. */
const STARTERS = ['What is the capital of France?', 'Name three uses of a paper clip.', 'Write a short poem about many small lights.'] as const;

/** Who can read a question, said before the first one (PROTOCOL 9), and something to begin with. */
export function ReadersNote({ model, onPick }: { model: ServedModel | undefined; onPick: (question: string) => void }) {
  return (
    <div class="readers">
      <h3>Before you ask: who can read this</h3>
      <p>
        The tabs that hold the first and the last layers, a tab that audits them, and the operator of this network can read what you write and what comes back. Tabs in between could work parts of it out. What auditors were given is
        deleted after a day. So ask nothing that
        must stay secret. The conversation itself is kept only in this browser.
      </p>
      {model !== undefined && model.bytes > 0 && model.bytes < SMALL_MODEL_BYTES && (
        <p>
          {model.name} is a very small model ({formatBytes(model.bytes)}), served to show how the network works. It is often wrong.
        </p>
      )}
      <div class="starters">
        {STARTERS.map((question) => (
          <button key={question} type="button" class="button" onClick={() => onPick(question)}>
            {question}
          </button>
        ))}
      </div>
    </div>
  );
}
