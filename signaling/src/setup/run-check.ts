import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from './checkout.ts';

/** One checker's outcome; `output` is empty when it had nothing to say. */
interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
  readonly ms: number;
}

/** Every thread of execution has its tsconfig in a workspace; `tsconfig.base.json` only holds what they share. */
function tsconfigs(): string[] {
  return globSync(['tsconfig.json', '*/tsconfig.json', '*/tsconfig.*.json'], { cwd: CHECKOUT }).map((path) => path.replaceAll('\\', '/')).sort();
}

function runChecker(name: string, script: string, args: readonly string[]): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(CHECKOUT, 'node_modules', script), ...args], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ name, ok: code === 0, output: output.trim(), ms: performance.now() - started }));
  });
}

/**
 * Type-checks every thread of execution and lints the checkout, printing one line a checker and what it found.
 * Returns whether all were content.
 */
export async function runCheck(): Promise<boolean> {
  const pretty = String(process.stdout.isTTY === true);
  const outcomes = await Promise.all([
    ...tsconfigs().map((config) => runChecker(`tsc -p ${config}`, 'typescript/bin/tsc', ['-p', config, '--pretty', pretty])),
    runChecker('oxlint', 'oxlint/bin/oxlint', ['--deny-warnings']),
  ]);
  for (const { name, ok, output, ms } of outcomes) {
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${Math.round(ms)} ms)`);
    if (!ok && output !== '') console.log(output);
  }
  return outcomes.every(({ ok }) => ok);
}

if (import.meta.main) process.exitCode = (await runCheck()) ? 0 : 1;
