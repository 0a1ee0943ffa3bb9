import { TOKEN_TYPE } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Tokens that are recognised in raw text, before it is cut: control tokens and those the model's author added. */
export function addedTokens(vocabulary: Vocabulary): object[] {
  return vocabulary.tokens.flatMap((content, id) => {
    const type = vocabulary.types[id];
    if (content === '' || (type !== TOKEN_TYPE.control && type !== TOKEN_TYPE.userDefined)) return [];
    return [{ id, content, special: type === TOKEN_TYPE.control, normalized: false, single_word: false, lstrip: false, rstrip: false }];
  });
}
