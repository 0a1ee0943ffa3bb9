import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';

/** On what one instance passes on to another: it is answered there, and passed on no further. */
export const PASSED_ON = 'x-ciro-passed-on';
/** The other instance is on the same network; one that does not answer for so long is gone. An answer itself may take as long as it takes. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Headers of one connection, never passed on (RFC 9110, 7.6.1). */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding']);

/** Passes a request on to the instance at `to`; gives what it answers, as it comes. `over`: when the client has hung up. Rejects when that instance cannot be reached. */
export function passOn(from: IncomingMessage, to: string, { body, over }: { readonly body: string | undefined; readonly over: AbortSignal }): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = passedHeaders(from);
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  const asked = ask(from, to, headers, reject);
  const hangUp = (): void => void asked.destroy();
  over.addEventListener('abort', hangUp, { once: true });
  asked.once('close', () => over.removeEventListener('abort', hangUp)).once('response', resolve);
  asked.end(body);
  return promise;
}

/** Passes a WebSocket on to the instance at `to`: from then on bytes go both ways until one side ends. */
export function passSocketOn(from: IncomingMessage, socket: Duplex, head: Buffer, to: string): void {
  const drop = (): void => void socket.destroy();
  const asked = ask(from, to, { ...passedHeaders(from), connection: 'Upgrade', upgrade: from.headers.upgrade ?? 'websocket' }, drop);
  socket.once('error', drop).once('close', () => asked.destroy());
  // Refused: the client is told so as it would be there.
  asked.once('response', (answer) => {
    socket.write(headOf(answer));
    pipeline(answer, socket, drop);
  });
  asked.once('upgrade', (answer, upstream, first) => {
    socket.write(headOf(answer));
    if (first.length > 0) socket.write(first);
    if (head.length > 0) upstream.write(head);
    pipeline(socket, upstream, socket, drop);
  });
  asked.end();
}

function ask(from: IncomingMessage, to: string, headers: OutgoingHttpHeaders, failed: (error: Error) => void): ClientRequest {
  const url = new URL(from.url ?? '/', to);
  const options: RequestOptions = { method: from.method, headers, agent: false };
  const asked = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
  const tooLate = setTimeout(() => asked.destroy(new Error(`the instance at ${to} does not answer`)), CONNECT_TIMEOUT_MS);
  asked.once('socket', (socket) => socket.setNoDelay(true).once('connect', () => clearTimeout(tooLate)));
  return asked.once('close', () => clearTimeout(tooLate)).once('error', failed);
}

/** As they came, and whom they came from: the other instance believes its peers about that (`CIRO_TRUSTED_PROXIES`). */
function passedHeaders({ headers, socket }: IncomingMessage): OutgoingHttpHeaders {
  const before = headers['x-forwarded-for'];
  const address = socket.remoteAddress ?? '';
  return { ...ownHeaders(headers), 'x-forwarded-for': before === undefined ? address : `${String(before)}, ${address}`, [PASSED_ON]: '1' };
}

/** Headers that are not of one connection. */
export function ownHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name)));
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
