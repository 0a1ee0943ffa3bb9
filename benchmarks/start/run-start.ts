import { spawn } from 'node:child_process';

/** What the first answer has to contain. */
const EXPECTED = /Paris/;
/** A fresh machine on a slow line; what takes longer is no figure any more. */
const START_TIMEOUT_MS = 900_000;
/** Of what the program said before it failed. */
const REPORTED_CHARACTERS = 2_000;

/** One whole `npm start -- --once`, as a person would see it. */
export interface StartRun {
  /** From the command to the word that answers the question. */
  readonly answerMs: number;
  /** From the command to its end. */
  readonly totalMs: number;
  readonly output: string;
}

export interface StartOptions {
  /** Checkout to start from, and arguments after `--once QUESTION`. */
  readonly checkout: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * Runs `npm start -- --once …` to its end and times it.
 * @throws Error with the program's last words when it fails or does not answer
 */
export async function runStart({ checkout, args = [], env, signal }: StartOptions): Promise<StartRun> {
  const started = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--once', 'What is the capital of France?', ...args], {
    cwd: checkout,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]),
  });
  let output = '';
  let answer = '';
  let answerMs: number | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    answer += text;
    if (EXPECTED.test(answer)) answerMs ??= performance.now() - started;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const totalMs = performance.now() - started;
  if (code !== 0 || answerMs === undefined) throw new Error(`npm start ended with ${code} after ${(totalMs / 1000).toFixed(1)} s${answerMs === undefined ? ' without the answer' : ''}:\n${output.slice(-REPORTED_CHARACTERS)}`);
  return { answerMs, totalMs, output };
}
