import { formatCredits } from '@ciro/core/units.ts';
import { JobsError } from '../jobs/jobs-error.ts';
import type { ChatCommands, CommandReply } from '../intake/chat-commands.ts';
import type { ChatRequest } from '../intake/chat-request.ts';
import type { Command, CommandView } from './command.ts';

const MODELS: Command = {
  name: 'models',
  usage: '/models',
  help: 'which models are served',
  run: (_, view) =>
    view
      .models()
      .map(({ name, layers, context, missingTabs }, index) => `- **${name}**${index === 0 ? ' (default)' : ''}: ${layers} layers, ${context} tokens of context, ${missingTabs === 0 ? 'ready' : `waits for ${missingTabs} more ${missingTabs === 1 ? 'tab' : 'tabs'}`}`)
      .join('\n'),
};

/** Of the example: a short question, and an answer of some lines. */
const EXAMPLE = { prompt: 40n, generated: 100n };

const PRICE: Command = {
  name: 'price',
  usage: '/price',
  help: 'what a question costs',
  run(_, view) {
    const { promptToken, generatedToken, feeBasisPoints } = view.rates();
    const example = promptToken * EXAMPLE.prompt + generatedToken * EXAMPLE.generated;
    return `A token of the question costs ${formatCredits(promptToken)} credits, one of the answer ${formatCredits(generatedToken)}; ${Number(feeBasisPoints) / 100} % of it is the coordinator's, the rest the workers'. ${EXAMPLE.prompt} and ${EXAMPLE.generated} tokens cost ${formatCredits(example)} credits. What is not used of what was held is given back.`;
  },
};

const RUN: Command = {
  name: 'run',
  usage: '/run TASK …',
  help: 'a task of another kind',
  run(words, view) {
    const [task = ''] = words.split(/\s+/);
    const tasks = view.tasks();
    const available = tasks.length === 0 ? 'there is none yet' : `available: ${tasks.join(', ')}`;
    throw new JobsError('task_not_available', task === '' ? `name a task: /run TASK …; ${available}` : `no worker here does the task ${JSON.stringify(task.slice(0, 64))}; ${available}`, { fault: 'user', fields: { param: 'messages' } });
  },
};

/** Every command; another one is a value in this list. */
const COMMANDS: readonly Command[] = [MODELS, PRICE, RUN];

const helpText = (): string => ['Commands, answered by the coordinator at no cost:', ...COMMANDS.map(({ usage, help }) => `- \`${usage}\`: ${help}`), '- `/help`: this list', '', 'Whatever else begins with `/` goes to the model, and so does a command with a second slash: `//models`.'].join('\n');

/** Commands in the last message of a conversation (SPEC I23): a slash, a registered name, and words. */
export class Commands implements ChatCommands {
  readonly #view: CommandView;

  constructor(view: CommandView) {
    this.#view = view;
  }

  async reply({ messages }: Pick<ChatRequest, 'messages'>): Promise<CommandReply | undefined> {
    const last = messages.at(-1);
    const [, name = '', words = ''] = (last?.role === 'user' ? /^\s*\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(last.content) : null) ?? [];
    if (name === 'help') return { command: '/help', text: helpText() };
    const command = COMMANDS.find((each) => each.name === name);
    return command && { command: `/${name}`, text: command.run(words.trim(), this.#view) };
  }
}
