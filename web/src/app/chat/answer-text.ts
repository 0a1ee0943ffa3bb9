/** A piece of an answer: running text, or a fenced block of code. */
export type AnswerBlock = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'code'; readonly language: string; readonly text: string };

/** A fence of three or more backticks at the start of a line, with up to three spaces before it (CommonMark 4.5). */
const FENCE = /^ {0,3}(`{3,})([^`]*)$/;

/**
 * Splits an answer at its code fences; everything else stays as it was written. A fence that is not closed yet is code up to
 * the end, so that a streaming answer does not jump. The blocks are text for text nodes: nothing in them is markup.
 */
export function answerBlocks(answer: string): AnswerBlock[] {
  const blocks: AnswerBlock[] = [];
  let lines: string[] = [];
  let fence: { readonly marks: number; readonly language: string } | undefined;
  const close = () => {
    const text = lines.join('\n');
    if (fence !== undefined) blocks.push({ kind: 'code', language: fence.language, text });
    else if (text.trim() !== '') blocks.push({ kind: 'text', text: text.replace(/^\n+|\n+$/g, '') });
    lines = [];
  };
  for (const line of answer.split('\n')) {
    const match = FENCE.exec(line);
    const marks = match?.[1]?.length ?? 0;
    const info = match?.[2]?.trim() ?? '';
    const opens = fence === undefined && marks > 0;
    const closes = fence !== undefined && marks >= fence.marks && info === '';
    if (!opens && !closes) {
      lines.push(line);
      continue;
    }
    close();
    fence = opens ? { marks, language: info.split(/\s/)[0] ?? '' } : undefined;
  }
  if (fence !== undefined || lines.length > 0) close();
  return blocks;
}
