import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import type { TestContext } from 'vitest';

/** How to get one. */
export const NO_TURN = 'no TURN server to test with: apt-get install coturn';

/** Skips a test with the way to enable it where there is no TURN server. */
export function needTurn(test: TestContext, turn: TurnServer | undefined): asserts turn is TurnServer {
  if (turn === undefined) test.skip(NO_TURN);
}
const START_TIMEOUT_MS = 15_000;
const POLL_MS = 50;
/** A STUN binding request (RFC 8489): type, length 0, magic cookie, a transaction of twelve bytes. */
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
/** Of what it printed, for an error. */
const REPORTED_CHARACTERS = 4_000;

/** A coturn of a test: STUN and TURN over UDP and TCP. */
export interface TurnServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly stunUrl: string;
  readonly secret: string;
  /** All that it printed so far. */
  readonly log: string;
  /** Stops it as a machine that loses its power does: nobody is told. */
  kill(): Promise<void>;
}

export interface TurnOptions {
  /** Address that it listens on and relays from. */
  readonly address: string;
  /** Another one that it listens on: with two, the kind of a NAT can be told. */
  readonly secondAddress?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Program that runs it, with arguments before its own: elsewhere than here. */
  readonly command?: readonly string[];
}

/** Starts one; undefined where coturn is not installed. Throws with what it printed when it does not start. */
export async function startTurnServer({ address, secondAddress, port: wanted, command = [] }: TurnOptions): Promise<TurnServer | undefined> {
  const port = wanted ?? (await freePort());
  const secret = 'a secret of this test';
  const [program = '', ...before] = [...command, 'turnserver'];
  const child = spawn(program, [
    ...before, '-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--simple-log', '--verbose', '--pidfile=', '--userdb=:memory:', '--realm=ciro.test',
    `--listening-ip=${address}`, ...(secondAddress === undefined ? [] : [`--listening-ip=${secondAddress}`]), `--relay-ip=${address}`, `--listening-port=${port}`, '--use-auth-secret', `--static-auth-secret=${secret}`, '--allow-loopback-peers', '--fingerprint',
  ], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  let missing = false;
  child.once('error', (error: NodeJS.ErrnoException) => (missing = error.code === 'ENOENT'));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && !missing) child.kill('SIGKILL');
    await exited;
  };
  const answers = await Promise.race([answersStun(address, port), exited.then(() => false)]);
  if (missing) return undefined;
  if (!answers) {
    await kill();
    throw new Error(`coturn did not start on ${address}:${port}:\n${log.slice(-REPORTED_CHARACTERS)}`);
  }
  return {
    port,
    url: `turn:${address}:${port}?transport=udp`,
    stunUrl: `stun:${address}:${port}`,
    secret,
    get log() {
      return log;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** A UDP port that nobody has now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Whether a STUN server answers there, asked until it does. */
async function answersStun(address: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const late = AbortSignal.timeout(START_TIMEOUT_MS);
  // Nobody listens yet: that is told as an error on some systems.
  socket.on('error', () => undefined);
  const asking = setInterval(() => socket.send(BINDING_REQUEST, port, address), POLL_MS);
  try {
    await once(socket, 'message', { signal: late });
    return true;
  } catch {
    return false;
  } finally {
    clearInterval(asking);
    socket.close();
  }
}
