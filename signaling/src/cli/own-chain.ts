import { fork } from 'node:child_process';
import { join } from 'node:path';
import { ChainError } from '@ciro/contracts/chain/chain-error.ts';
import type { ChainFile } from '@ciro/contracts/chain/chain-file.ts';

const SCRIPT = join(import.meta.dirname, 'chain-process.ts');
/** Then it is killed; a devnet that was told to end is given five seconds by its own process. */
const STOP_TIMEOUT_MS = 8_000;

/** What the chain's process tells. */
export type ChainNews = { readonly type: 'started'; readonly file: ChainFile } | { readonly type: 'deployed' } | { readonly type: 'failed'; readonly message: string };

/** A local chain of this command, which ends with it. */
export interface OwnChain extends AsyncDisposable {
  readonly file: ChainFile;
  /** Resolves when every contract is there and the settlement contract is funded; rejects when that failed. */
  readonly deployed: Promise<void>;
  /** Rejects when it was not deployed, or ended. */
  readonly failed: Promise<never>;
}

/** Starts a local chain in another process; it answers after a second or two, and its contracts follow. @throws ChainError `devnet-failed` */
export async function startOwnChain(binary: string, signal: AbortSignal): Promise<OwnChain> {
  const child = fork(SCRIPT, [binary], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  };
  const failed = (message: string): ChainError => new ChainError('devnet-failed', `The local chain failed: ${message}`, { fault: 'platform', fields: { binary } });
  const started = Promise.withResolvers<ChainFile>();
  const deployed = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<never>();
  const fail = (error: unknown): void => {
    started.reject(error);
    // Whoever stopped the command knows why nothing was deployed.
    if (!signal.aborted) deployed.reject(error);
    broken.reject(error);
  };
  // Whoever waits for none of them need not hear of it.
  started.promise.catch(() => undefined);
  deployed.promise.catch(() => undefined);
  broken.promise.catch(() => undefined);
  child.on('message', (news: ChainNews) => {
    if (news.type === 'started') started.resolve(news.file);
    else if (news.type === 'deployed') deployed.resolve();
    else fail(failed(news.message));
  });
  child.once('error', (error) => fail(failed(error.message)));
  void ended.then(() => fail(failed('its process ended')));
  const aborted = (): void => fail(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return { file: await started.promise, deployed: deployed.promise, failed: broken.promise, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
