import { Template } from '@huggingface/jinja';
import { optionalText } from '@ciro/core/model/gguf/metadata.ts';
import { ModelsError } from './models-error.ts';
import type { GgufHeader } from '@ciro/core/model/gguf/gguf-header.ts';
import type { Tokenizer } from './tokenizer.ts';

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** How many characters of a template's own error words are passed on. */
const REASON_CHARACTERS_MAX = 200;

/** The file's chat template: messages to the text whose tokens are the prompt. */
export class ChatTemplate {
  /** As it stands in the file. */
  readonly source: string;
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, string | null>>;

  private constructor(source: string, template: Template, variables: Readonly<Record<string, string | null>>) {
    this.source = source;
    this.#template = template;
    this.#variables = variables;
  }

  /** Reads `tokenizer.chat_template`. Throws ModelsError `bad-chat-template` when it is absent or can't be parsed. */
  static ofGguf(header: GgufHeader, tokenizer: Tokenizer): ChatTemplate {
    const source = optionalText(header, 'tokenizer.chat_template');
    if (source === undefined) {
      throw new ModelsError('bad-chat-template', 'The file has no tokenizer.chat_template, so messages cannot be turned into a prompt. Use an instruct model.', {
        fault: 'user',
      });
    }
    const { bosId, eosId, unknownId, paddingId } = tokenizer.vocabulary;
    const variables = {
      bos_token: tokenizer.tokenText(bosId) ?? '',
      eos_token: tokenizer.tokenText(eosId) ?? '',
      unk_token: tokenizer.tokenText(unknownId) ?? '',
      pad_token: tokenizer.tokenText(paddingId) ?? '',
      // Templates ask `tools is not none`: transformers passes both, and so must this.
      tools: null,
      documents: null,
    };
    try {
      return new ChatTemplate(source, new Template(source), variables);
    } catch (cause) {
      throw new ModelsError('bad-chat-template', `tokenizer.chat_template can't be parsed: ${reasonOf(cause)}. Use another file of this model.`, {
        fault: 'user',
        cause,
      });
    }
  }

  /**
   * Renders a conversation, ready for the assistant's turn unless `addGenerationPrompt` is false.
   * Throws ModelsError `chat-template-failed` when the template refuses it (such as roles out of order).
   */
  render(messages: readonly ChatMessage[], addGenerationPrompt = true): string {
    try {
      return this.#template.render({ ...this.#variables, messages, add_generation_prompt: addGenerationPrompt });
    } catch (cause) {
      throw new ModelsError('chat-template-failed', `The model's chat template refused the messages: ${reasonOf(cause)}.`, { fault: 'user', cause });
    }
  }
}

function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, REASON_CHARACTERS_MAX);
}
