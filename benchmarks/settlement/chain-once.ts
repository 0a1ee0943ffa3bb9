import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CHECKOUT } from '@ciro/signaling/setup/checkout.ts';
import { BenchError } from '../result.ts';

/** What is kept of its output for an error. */
const TAIL_CHARACTERS = 2_000;

/** Seconds of `npm run chain -- --once`, as a person runs it: node, contracts, roles, relayer, a new worker paid. The devnet is there. */
export async function timeChainOnce(signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(CHECKOUT, 'signaling', 'bin', 'ciro.mjs'), 'chain', '--once'], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said = `${said}${data.toString()}`.slice(-TAIL_CHARACTERS)));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new BenchError(`npm run chain -- --once ended with ${code}: ${said}`);
  return (performance.now() - started) / 1000;
}
